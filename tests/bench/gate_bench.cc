// What the gate costs: a TCP connection that begins with a ClientHello, through a border that judges its first bytes,
// beside the same path through a border that lets the port pass. Both in one lab, in turns.
#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/kernel/supervisor.h"
#include "harness/lab/lab.h"
#include "harness/scenario/loader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace crypelab;
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kPort = 5001;
constexpr const char* kScenario = R"(
scenario: bench/gate
title: A border that judges first bytes, and one that does not
sites:
  gated: {egress: [{tls-only: {ports: 5001}}]}
  plain: {egress: [{allow: {protocol: tcp, ports: 5001}}]}
clients:
  alice: {site: gated}
  bob: {site: plain}
)";

// RFC 5246 section 7.4.1.2: one cipher suite, no extensions.
std::vector<char> client_hello() {
  std::vector<char> hello{0x16, 0x03, 0x01, 0x00, 0x2d, 0x01, 0x00, 0x00, 0x29, 0x03, 0x03};
  hello.insert(hello.end(), 32, 'r');
  for (const int byte : {0x00, 0x00, 0x02, 0x13, 0x01, 0x01, 0x00}) hello.push_back(static_cast<char>(byte));
  return hello;
}

double microseconds(Clock::duration length) { return std::chrono::duration<double, std::micro>(length).count(); }

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void require(bool done, const char* what) {
  if (!done) throw_errno(what);
}

sockaddr_in address_of_server() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(0xcb007150);  // 203.0.113.80, www.crype.test
  return address;
}

void set_patience(const Descriptor& socket) {
  const timeval patience{10, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Answers the first message of each connection with one byte, then counts.
class Server {
 public:
  explicit Server(const kernel::NetworkNamespace& where)
      : listener_(where.open_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC)) {
    const auto address = address_of_server();
    const int on = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    require(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    require(listen(listener_.get(), 16) == 0, "listen");
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  void serve() {
    std::vector<char> room(1 << 20);
    while (true) {
      const Descriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket) return;
      set_patience(socket);
      if (recv(socket.get(), room.data(), room.size(), 0) > 0 && send(socket.get(), "!", 1, MSG_NOSIGNAL) == 1) {
        for (ssize_t n = 0; (n = recv(socket.get(), room.data(), room.size(), 0)) > 0;)
          bytes_ += static_cast<std::uint64_t>(n);
      }
    }
  }

  Descriptor listener_;
  std::atomic<std::uint64_t> bytes_{0};
  std::thread thread_;
};

// A connection whose hello has been answered, and how long that took.
struct Opened {
  Descriptor socket;
  double took = 0;
};

Opened open(const kernel::NetworkNamespace& from) {
  static const auto hello = client_hello();
  const auto address = address_of_server();
  Opened opened{from.open_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC), 0};
  set_patience(opened.socket);
  const auto begin = Clock::now();
  require(connect(opened.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  require(send(opened.socket.get(), hello.data(), hello.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(hello.size()),
          "send a hello");
  char answer = 0;
  require(recv(opened.socket.get(), &answer, 1, 0) == 1, "wait for the answer to a hello");
  opened.took = microseconds(Clock::now() - begin);
  return opened;
}

// Gbit/s that arrive, once the sender has found out how fast it may be.
double throughput(const kernel::NetworkNamespace& from, const Server& server, std::chrono::milliseconds length) {
  static const std::vector<char> bulk(256 << 10, 'x');
  const auto opened = open(from);
  const auto send_until = [&](Clock::time_point end) {
    while (Clock::now() < end) require(send(opened.socket.get(), bulk.data(), bulk.size(), MSG_NOSIGNAL) > 0, "send");
  };
  send_until(Clock::now() + length / 4);
  const auto before = server.bytes();
  const auto begin = Clock::now();
  send_until(begin + length);
  const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return static_cast<double>(server.bytes() - before) * 8 / seconds / 1e9;
}

void measure(lab::Lab& lab, bool quick) {
  const Server server(lab.network().host("web"));
  const auto& gated = lab.network().host("alice");
  const auto& plain = lab.network().host("bob");
  std::array<std::vector<double>, 2> latency;
  std::array<std::vector<double>, 2> rate;
  for (int i = 0; i < (quick ? 100 : 1000); ++i) {
    for (const auto side : {0u, 1u}) {
      const auto took = open(side == 0 ? gated : plain).took;
      if (i >= 10) latency[side].push_back(took);  // the first ones resolve neighbours
    }
  }
  // What else the machine does comes and goes: only rounds that follow each other are compared, each way first in turn.
  std::vector<double> ratios;
  for (unsigned i = 0; i < (quick ? 7u : 31u); ++i) {
    for (const auto side : {i % 2, 1 - i % 2})
      rate[side].push_back(throughput(side == 0 ? gated : plain, server, std::chrono::milliseconds(400)));
    ratios.push_back(rate[0].back() / rate[1].back());
  }
  const auto added = median(latency[0]) - median(latency[1]);
  const auto ratio = median(ratios);
  fmt::print("{:<44} {:>10} {:>10}\n", "", "gate", "no gate");
  fmt::print("{:<44} {:7.0f} us {:7.0f} us\n", "connect, hello, answer (median)", median(latency[0]),
             median(latency[1]));
  fmt::print("{:<44} {:6.2f} Gbit {:5.2f} Gbit\n", "a decided flow, 400 ms (median)", median(rate[0]), median(rate[1]));
  fmt::print("added to a handshake: {:.0f} us; target 100 us: {:.2f} of it\n", added, added / 100);
  fmt::print("throughput: {:.2f} of the path without it (median of {} rounds); target 0.90\n", ratio, ratios.size());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  try {
    const auto loaded = scenario::parse(kScenario, "gate_bench.yaml");
    if (!loaded.ok()) throw Failure(Exit::data, scenario::to_string(loaded.problems));
    const auto plan = blueprint::draw(loaded.scenarios.at(0));
    return kernel::supervise([&](kernel::Supervised& supervised) {
      lab::Lab lab(plan, supervised);
      std::atomic<bool> done{false};
      std::exception_ptr failed;
      std::thread measuring([&] {
        try {
          measure(lab, quick);
        } catch (...) {
          failed = std::current_exception();
        }
        done = true;
      });
      // What the gate says is read meanwhile, as in any lab.
      while (!done)
        lab.loop().run_until([&] { return done.load(); }, lab::Loop::Clock::now() + std::chrono::milliseconds(20));
      measuring.join();
      if (failed) std::rethrow_exception(failed);
      return 0;
    });
  } catch (const Failure& failure) {
    fmt::print(stderr, "gate_bench: {}\n", failure.what());
    return static_cast<int>(failure.exit());
  }
}
