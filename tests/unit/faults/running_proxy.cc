#include "running_proxy.h"

#include "data_segments.h"

#include <array>

#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace crypelab::faults {
namespace {

using Clock = std::chrono::steady_clock;

bool readable(int descriptor, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<Patience>(deadline - Clock::now()).count();
  pollfd wanted{descriptor, POLLIN, 0};
  return left > 0 && poll(&wanted, 1, static_cast<int>(left)) > 0;
}

}  // namespace

RunningProxy::RunningProxy(ProxySettings settings)
    : echo_(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  reading_ = ends[0];
  settings.listen = {{Address::v4(0x7f000001), 0}};
  server_ = std::make_unique<ProxyServer>(std::move(settings), ends[1]);
  port_ = server_->endpoints().front().port;
  serving_ = std::thread([this, writing = ends[1]] {
    server_->run();
    server_.reset();
    close(writing);
  });
  echoing_ = std::thread([this] { echo(); });
}

RunningProxy::~RunningProxy() {
  server_->stop();
  serving_.join();
  ::shutdown(echo_.native_handle(), SHUT_RDWR);
  echoing_.join();
  close(reading_);
}

void RunningProxy::echo() {
  std::vector<std::thread> talks;
  for (boost::system::error_code error; !error;) {
    auto socket = std::make_unique<tcp::socket>(io_);
    echo_.accept(*socket, error);
    if (error) break;
    talks.emplace_back([one = std::move(socket)] {
      std::array<char, 4096> chunk{};
      for (boost::system::error_code gone; !gone;) {
        const auto n = one->read_some(boost::asio::buffer(chunk), gone);
        if (!gone) boost::asio::write(*one, boost::asio::buffer(chunk.data(), n), gone);
      }
    });
  }
  for (auto& talk : talks) talk.join();
}

std::string RunningProxy::target() const { return fmt::format("127.0.0.1:{}", echo_.local_endpoint().port()); }

std::string RunningProxy::journal(const std::string& text, Patience patience) {
  const auto deadline = Clock::now() + patience;
  std::array<char, 4096> chunk{};
  while (journal_.find(text) == std::string::npos && readable(reading_, deadline)) {
    const auto n = read(reading_, chunk.data(), chunk.size());
    if (n <= 0) break;
    journal_.append(chunk.data(), static_cast<std::size_t>(n));
  }
  EXPECT_NE(journal_.find(text), std::string::npos) << text << " is not in\n" << journal_;
  return journal_;
}

Caller::Caller(const RunningProxy& proxy) : socket_(io_) {
  socket_.connect({boost::asio::ip::address_v4::loopback(), proxy.port()});
  socket_.set_option(tcp::no_delay(true));
}

void Caller::send(const std::string& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }

Got Caller::receive(std::size_t wanted, Patience patience) {
  const auto deadline = Clock::now() + patience;
  Got got;
  std::array<char, 65536> chunk{};
  while (got.bytes.size() < wanted && readable(socket_.native_handle(), deadline)) {
    boost::system::error_code error;
    const auto n =
        socket_.read_some(boost::asio::buffer(chunk.data(), std::min(chunk.size(), wanted - got.bytes.size())), error);
    if (error) {
      got.end = error == boost::asio::error::eof ? Got::End::closed : Got::End::reset;
      break;
    }
    got.bytes.append(chunk.data(), n);
  }
  return got;
}

std::string Caller::connect(const std::string& target) {
  send(fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n\r\n", target, target));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const auto got = receive(1);
    if (got.bytes.empty()) break;
    head += got.bytes;
  }
  return head;
}

unsigned Caller::segments_in() { return data_segments_in(socket_.native_handle()); }

}  // namespace crypelab::faults
