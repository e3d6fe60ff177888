#include "name_server.h"

#include "harness/base/error.h"
#include "harness/wire/bytes.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::client::transport {

using boost::asio::ip::udp;

NameServer::NameServer(boost::asio::io_context& io, std::vector<std::string> names, std::optional<Duration> delay)
    : io_(io),
      names_(std::move(names)),
      delay_(delay),
      socket_(io, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
      file_("/tmp/crypelab-resolv-XXXXXX") {
  const int file = ::mkstemp(file_.data());
  const std::string_view text = "nameserver 127.0.0.1\n";
  if (file < 0 || ::write(file, text.data(), text.size()) < 0) throw Failure(Exit::unavailable, "no resolv.conf");
  ::close(file);
  receive();
}

NameServer::~NameServer() { ::unlink(file_.c_str()); }

Resolver::Settings NameServer::settings() const { return {file_, "/dev/null", socket_.local_endpoint().port(), {}}; }

void NameServer::receive() {
  socket_.async_receive_from(boost::asio::buffer(datagram_), from_,
                             [this](const boost::system::error_code& error, std::size_t size) {
                               if (error) return;
                               answer(size);
                               receive();
                             });
}

void NameServer::answer(std::size_t size) {
  const auto message = wire::Bytes(datagram_).first(size);
  const auto question = wire::parse_dns_question(message);
  if (question) asked_.push_back(question->type);
  if (!question || !delay_) return;
  const bool known = std::find(names_.begin(), names_.end(), question->name) != names_.end();
  auto reply =
      wire::encode_dns_refusal(message, *question, known ? wire::DnsCode::no_error : wire::DnsCode::name_error);
  if (known && question->type == wire::DnsType::a) {
    reply[7] = 1;  // one answer: the name of the question, A, IN, for a minute
    reply.insert(reply.end(), {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1});
  }
  auto& timer = pending_.emplace_back(io_, *delay_);
  timer.async_wait([this, reply = std::move(reply), to = from_](const boost::system::error_code& error) {
    if (error) return;
    boost::system::error_code ignored;
    socket_.send_to(boost::asio::buffer(reply), to, 0, ignored);
  });
}

}  // namespace crypelab::client::transport
