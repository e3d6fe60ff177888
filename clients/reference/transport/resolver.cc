#include "clients/reference/transport/resolver.h"

#include "clients/reference/random.h"
#include "clients/reference/transport/interfaces.h"
#include "clients/reference/transport/race.h"
#include "clients/reference/transport/resolver_files.h"
#include "clients/reference/transport/tcp_stream.h"
#include "harness/wire/dns.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace crypelab::client::transport {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t most_addresses = 16;
constexpr std::size_t largest_file = 1'000'000;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.size() > largest_file) text.resize(largest_file);
  return text;
}

// One question, to all servers until one decides it.
struct Question {
  std::uint16_t id = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<Address> addresses;
  bool answered = false;
  std::size_t failures = 0;  // of servers
  std::string fault;
};

// One name: A and AAAA asked together (T-07).
struct Lookup {
  Lookup(const boost::asio::any_io_executor& on, std::string asked_name)
      : executor(on), changed(on), name(std::move(asked_name)) {}
  boost::asio::any_io_executor executor;
  boost::asio::steady_timer changed;
  std::string name;
  std::array<Question, 2> questions;  // A, AAAA
  std::vector<std::shared_ptr<udp::socket>> sockets;
  std::size_t servers = 0;
  bool over = false;

  void take(const wire::DnsAnswer& answer) {
    for (auto& question : questions) {
      const auto type = &question == &questions[0] ? wire::DnsType::a : wire::DnsType::aaaa;
      if (question.answered || answer.id != question.id || answer.type != type) continue;
      if (answer.code == wire::DnsCode::no_error || answer.code == wire::DnsCode::name_error) {
        question.answered = true;
        question.addresses = answer.addresses;
        if (answer.addresses.empty()) {
          question.fault = answer.code == wire::DnsCode::name_error ? "no such name" : "the name has no address";
        }
      } else {
        question.fault = fmt::format("the resolver answered with code {}", static_cast<unsigned>(answer.code));
        if (++question.failures >= servers) question.answered = true;
      }
    }
    changed.cancel();
  }
};

Awaitable<void> ask_over_tcp(std::shared_ptr<Lookup> lookup, Endpoint server, std::vector<std::uint8_t> question) {
  const auto socket = std::make_shared<tcp::socket>(lookup->executor);
  const auto limit = std::make_shared<boost::asio::steady_timer>(lookup->executor, 5s);
  limit->async_wait([socket](Error error) {
    Error ignored;
    if (!error) socket->close(ignored);
  });
  const auto [refused] = co_await socket->async_connect(tcp_endpoint(server), use);
  if (refused || lookup->over) co_return;
  std::array<std::uint8_t, 2> size{};
  wire::store<std::uint16_t>(size, 0, static_cast<std::uint16_t>(question.size()));
  question.insert(question.begin(), size.begin(), size.end());
  const auto [unsent, written] = co_await boost::asio::async_write(*socket, boost::asio::buffer(question), use);
  if (unsent || written == 0) co_return;
  const auto [unread, header] = co_await boost::asio::async_read(*socket, boost::asio::buffer(size), use);
  if (unread || header != size.size()) co_return;
  std::vector<std::uint8_t> answer(wire::load<std::uint16_t>(size, 0));
  const auto [cut, length] = co_await boost::asio::async_read(*socket, boost::asio::buffer(answer), use);
  if (cut || length == 0 || lookup->over) co_return;
  if (const auto parsed = wire::parse_dns_answer(answer)) lookup->take(*parsed);
}

Awaitable<void> listen(std::shared_ptr<Lookup> lookup, std::shared_ptr<udp::socket> socket, Endpoint server) {
  std::array<std::uint8_t, 4096> datagram{};
  while (!lookup->over) {
    const auto [error, size] = co_await socket->async_receive(boost::asio::buffer(datagram), use);
    if (lookup->over || error == boost::asio::error::operation_aborted) co_return;
    if (error) continue;  // refused by ICMP: another server may answer, or this one later
    const auto answer = wire::parse_dns_answer(wire::Bytes(datagram).first(size));
    if (!answer || !wire::equal_ignoring_case(answer->name, lookup->name)) continue;
    if (!answer->truncated) {
      lookup->take(*answer);
      continue;
    }
    for (const auto& question : lookup->questions) {
      if (question.id != answer->id) continue;
      boost::asio::co_spawn(lookup->executor, ask_over_tcp(lookup, server, question.bytes), boost::asio::detached);
    }
  }
}

}  // namespace

class Resolver::Body {
 public:
  Body(boost::asio::any_io_executor executor, Settings settings)
      : executor_(std::move(executor)), settings_(std::move(settings)) {}

  const Settings& settings() const { return settings_; }
  ResolverFile file() const { return parse_resolv_conf(contents(settings_.resolv_conf)); }

  static Awaitable<Resolved> resolve(std::shared_ptr<Body> body, std::string host, Time deadline) {
    if (const auto literal = parse_address(host)) {
      Resolved own{{*literal}, {}};
      if (literal->is_v4()) co_await translate(body, own, deadline);
      co_return own;
    }
    if (auto known = hosts_of(contents(body->settings_.hosts), host); !known.empty()) co_return Resolved{known, {}};
    if (wire::equal_ignoring_case(host, "localhost")) {
      std::array<std::uint8_t, 16> loopback{};
      loopback[15] = 1;
      co_return Resolved{{Address::v6(loopback), Address::v4(0x7f000001)}, {}};
    }
    const auto file = body->file();
    Resolved result;
    for (const auto& name : names_to_ask(file, host)) {
      result = co_await ask(body, file, name, deadline);
      if (!result.addresses.empty()) break;
    }
    co_await translate(body, result, deadline);
    if (result.addresses.empty()) result.fault = host + ": " + result.fault;
    co_return result;
  }

 private:
  // Of a machine without IPv4: what is known of IPv4 only, by the network's NAT64 (RFC 7050).
  static Awaitable<void> translate(std::shared_ptr<Body> body, Resolved& result, Time deadline) {
    const bool only_v4 = !result.addresses.empty() && std::all_of(result.addresses.begin(), result.addresses.end(),
                                                                  [](const auto& one) { return one.is_v4(); });
    if (!only_v4) co_return;
    const auto& address = result.addresses.front();
    const bool has_v4 = source_towards({address, 9}) != Address();
    std::array<std::uint8_t, 16> outside{0x20, 0x01, 0x0d, 0xb8};
    const bool has_v6 = source_towards({Address::v6(outside), 9}) != Address::v6({});
    if (has_v4 || !has_v6 || (address.v4_host_order() >> 24) == 127) co_return;
    const auto file = body->file();
    const auto known = co_await ask(body, file, "ipv4only.arpa", std::min(deadline, Clock::now() + 3s));
    for (const auto& one : known.addresses) {
      const auto prefix = one.is_v6() ? wire::nat64_prefix(one) : std::nullopt;
      if (!prefix) continue;
      for (auto& each : result.addresses) each = embed(*prefix, each);
      co_return;
    }
  }

  static Awaitable<Resolved> ask(std::shared_ptr<Body> body, ResolverFile file, std::string name, Time deadline) {
    const auto lookup = std::make_shared<Lookup>(body->executor_, name);
    struct End {
      std::shared_ptr<Lookup> lookup;
      ~End() {
        lookup->over = true;
        Error ignored;
        for (auto& socket : lookup->sockets) socket->close(ignored);
      }
    };
    const End end{lookup};
    lookup->servers = file.servers.size();
    for (auto& question : lookup->questions) {
      const bool v4 = &question == &lookup->questions[0];
      question.id = static_cast<std::uint16_t>(body->random_.below(65'536));
      auto bytes = wire::encode_dns_question(question.id, name, v4 ? wire::DnsType::a : wire::DnsType::aaaa);
      if (!bytes) co_return Resolved{{}, bytes.complaint()};
      question.bytes = std::move(*bytes);
    }
    std::size_t sendings = 0;
    Time again{};
    std::optional<Time> enough;
    while (true) {
      auto& [a, aaaa] = lookup->questions;
      const Time now = Clock::now();
      if (a.answered && aaaa.answered) break;
      // RFC 8305 §3: a family that is there is not kept waiting by the other.
      if (!enough && a.answered && !a.addresses.empty()) enough = now + 50ms;
      if (!enough && aaaa.answered && !aaaa.addresses.empty()) enough = now + 300ms;
      if ((enough && now >= *enough) || now >= deadline) break;
      if (now >= again || (sendings < file.servers.size() && a.failures + aaaa.failures >= 2 * sendings)) {
        send(*body, lookup, file.servers[sendings % file.servers.size()], sendings < file.servers.size());
        ++sendings;
        again = now + (sendings < file.servers.size() ? Duration(1500ms) : Duration(2500ms));
      }
      auto wake = std::min(again, deadline);
      if (enough) wake = std::min(wake, *enough);
      lookup->changed.expires_at(wake);
      co_await lookup->changed.async_wait(use);
    }
    Resolved result;
    const auto& [a, aaaa] = lookup->questions;
    for (const auto* question : {&aaaa, &a}) {
      for (const auto& address : question->addresses) {
        const bool known =
            std::find(result.addresses.begin(), result.addresses.end(), address) != result.addresses.end();
        if (!known && result.addresses.size() < most_addresses) result.addresses.push_back(address);
      }
    }
    if (result.addresses.empty()) {
      result.fault = !a.fault.empty() ? a.fault : !aaaa.fault.empty() ? aaaa.fault : "the resolver does not answer";
    }
    co_return result;
  }

  static void send(Body& body, const std::shared_ptr<Lookup>& lookup, const Address& address, bool open) {
    const Endpoint server{address, body.settings_.port};
    Error error;
    std::shared_ptr<udp::socket> socket;
    if (open) {
      socket = std::make_shared<udp::socket>(body.executor_);
      lookup->sockets.push_back(socket);
      socket->open(address.is_v6() ? udp::v6() : udp::v4(), error);
      const auto target = tcp_endpoint(server);
      if (!error) socket->connect(udp::endpoint(target.address(), target.port()), error);
      if (error) return;
      boost::asio::co_spawn(body.executor_, listen(lookup, socket, server), boost::asio::detached);
    } else {
      for (const auto& one : lookup->sockets) {
        const auto remote = one->remote_endpoint(error);
        if (!error && endpoint_of(tcp::endpoint(remote.address(), remote.port())) == server) socket = one;
      }
    }
    if (!socket) return;
    socket->non_blocking(true, error);
    for (const auto& question : lookup->questions) {
      const bool later = &question == &lookup->questions[1] && body.settings_.misbehaviour.breaks(Rule::t07) &&
                         !lookup->questions[0].answered;
      if (!question.answered && !later) socket->send(boost::asio::buffer(question.bytes), 0, error);
    }
  }

  boost::asio::any_io_executor executor_;
  Settings settings_;
  SecureRandom random_;
};

Resolver::Resolver(boost::asio::any_io_executor executor, Settings settings)
    : body_(std::make_shared<Body>(std::move(executor), std::move(settings))) {}
Resolver::~Resolver() = default;

Awaitable<Resolved> Resolver::resolve(std::string host, Time deadline) {
  return Body::resolve(body_, std::move(host), deadline);
}

std::vector<std::string> Resolver::search_domains() const { return body_->file().search; }

}  // namespace crypelab::client::transport
