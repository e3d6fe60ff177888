// What the user-space link costs: TCP throughput without and with delay next to a bare veth in the same run, and how
// far packets leave from their moments. Build type Release; needs root or a user namespace:
//   impaired_link_bench [seconds per measurement]
#include "harness/impair/link_control.h"
#include "harness/impair/link_engine.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/child_process.h"
#include "harness/kernel/network_namespace.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace crypelab::impair {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kLeft = 0x0a070001;
constexpr std::uint32_t kRight = 0x0a070002;

struct Child {
  Descriptor* ours = nullptr;
  Descriptor control;
  Descriptor route;
  std::vector<LinkPlan> plans;
};

int run_engine(void* argument) {
  auto& child = *static_cast<Child*>(argument);
  child.ours->close();
  LinkEngine(std::move(child.control), std::move(child.route), std::move(child.plans)).run();
  return 0;
}

// Two hosts with either a bare cable or an impaired link between them; idle links beside it where asked for.
struct Net {
  kernel::NetworkNamespace left, right, room;
  std::optional<kernel::Cable> first, second;
  std::vector<kernel::Cable> idle;
  std::optional<LinkControl> control;
  kernel::ChildProcess engine;

  Net() {
    first.emplace(kernel::CableEnd{left, "eth0", {2, 0, 0, 0, 7, 1}},
                  kernel::CableEnd{right, "eth0", {2, 0, 0, 0, 7, 2}});
    first->raise();
    first->first().add(*parse_prefix("10.7.0.1/24"));
    first->second().add(*parse_prefix("10.7.0.2/24"));
  }
  Net(const Impairment& each, unsigned idle_links) {
    room.sysctl("net/ipv6/conf/all/disable_ipv6", "1");
    first.emplace(kernel::CableEnd{left, "eth0", {2, 0, 0, 0, 7, 1}},
                  kernel::CableEnd{room, "left", {2, 0, 0, 0, 7, 11}});
    second.emplace(kernel::CableEnd{right, "eth0", {2, 0, 0, 0, 7, 2}},
                   kernel::CableEnd{room, "right", {2, 0, 0, 0, 7, 12}});
    for (unsigned i = 0; i < idle_links; ++i) {
      const auto low = static_cast<std::uint8_t>(i);
      idle.emplace_back(kernel::CableEnd{room, "a" + std::to_string(i), {2, 0, 0, 1, 0, low}},
                        kernel::CableEnd{room, "b" + std::to_string(i), {2, 0, 0, 1, 1, low}});
      idle.back().raise();
    }
    auto [ours, theirs] = control_pair();
    Child child{&ours, std::move(theirs), {}, {}};
    {
      const kernel::InNamespace inside(room);
      child.plans.push_back(LinkPlan{LinkEnd::open("left"), LinkEnd::open("right"), each, each});
      for (unsigned i = 0; i < idle_links; ++i) {
        child.plans.push_back(
            LinkPlan{LinkEnd::open("a" + std::to_string(i)), LinkEnd::open("b" + std::to_string(i)), each, each});
      }
      child.route = open_route_socket();
    }
    engine = kernel::clone_process(0, run_engine, &child);
    control.emplace(std::move(ours));
    first->raise();
    second->raise();
    first->first().add(*parse_prefix("10.7.0.1/24"));
    second->first().add(*parse_prefix("10.7.0.2/24"));
  }
};

sockaddr_in name_of(std::uint32_t address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(address);
  return name;
}

Descriptor bound(const kernel::NetworkNamespace& in, int type, std::uint32_t address, std::uint16_t port) {
  Descriptor socket = in.open_socket(AF_INET, type);
  const sockaddr_in name = name_of(address, port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0) std::abort();
  return socket;
}

int pour(void* argument) {
  const int socket = *static_cast<int*>(argument);
  const std::vector<char> buffer(1 << 20);
  while (::send(socket, buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0) {
  }
  return 0;
}

// Gbit/s of TCP payload from left to right, sender and receiver in processes of their own; the first fifth is not
// counted.
double throughput(const Net& net, Time length) {
  const Descriptor listener = bound(net.right, SOCK_STREAM, kRight, 7003);
  ::listen(listener.get(), 1);
  const Descriptor sender = net.left.open_socket(AF_INET, SOCK_STREAM);
  const sockaddr_in name = name_of(kRight, 7003);
  if (::connect(sender.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) < 0) std::abort();
  const Descriptor receiver(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  int descriptor = sender.get();
  const auto process = kernel::clone_process(0, pour, &descriptor);
  std::vector<char> buffer(1 << 20);
  double bytes = 0;
  const Time start = monotonic_now();
  Time first{}, now = start;
  while (now - start < length) {
    const ssize_t size = ::recv(receiver.get(), buffer.data(), buffer.size(), 0);
    now = monotonic_now();
    if (size <= 0) break;
    if (now - start < length / 5) continue;
    if (first == Time::zero()) {
      first = now;
    } else {
      bytes += static_cast<double>(size);
    }
  }
  return bytes * 8 / static_cast<double>(std::max<std::int64_t>((now - first).count(), 1));
}

// Round trips of small datagrams, one at a time, answered by this process: microseconds, sorted.
std::vector<double> round_trips(const Net& net, int count) {
  const Descriptor left = bound(net.left, SOCK_DGRAM, kLeft, 7001);
  const Descriptor right = bound(net.right, SOCK_DGRAM, kRight, 7002);
  const sockaddr_in to_right = name_of(kRight, 7002), to_left = name_of(kLeft, 7001);
  char byte = 0;
  const auto pass = [&](const Descriptor& from, const Descriptor& to, const sockaddr_in& name) {
    ::sendto(from.get(), &byte, 1, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    pollfd wait{to.get(), POLLIN, 0};
    return ::poll(&wait, 1, 2000) == 1 && ::recv(to.get(), &byte, 1, MSG_DONTWAIT) == 1;
  };
  std::vector<double> times;
  for (int i = 0; i < count + 2; ++i) {
    const Time start = monotonic_now();
    if (!pass(left, right, to_right) || !pass(right, left, to_left)) continue;
    if (i >= 2) times.push_back(static_cast<double>((monotonic_now() - start).count()) / 1e3);  // after ARP
  }
  std::sort(times.begin(), times.end());
  return times;
}

double percentile(const std::vector<double>& sorted, unsigned percent) {
  return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

double seconds_of_processor() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void print_trips(const char* label, const std::vector<double>& times, double ideal) {
  std::printf("%-34s p50 %8.0f us  p90 %8.0f us  p99 %8.0f us  error p50/p90/p99 %+.0f %+.0f %+.0f us\n", label,
              percentile(times, 50), percentile(times, 90), percentile(times, 99), percentile(times, 50) - ideal,
              percentile(times, 90) - ideal, percentile(times, 99) - ideal);
}

void print_lateness(Net& net) {
  const auto c = net.control->read(0, Direction::a_to_b);
  std::printf("    left late by p50 %.1f us p90 %.1f us p99 %.1f us max %.1f us; %llu frames, own drops %llu\n",
              static_cast<double>(c.late_p50) / 1e3, static_cast<double>(c.late_p90) / 1e3,
              static_cast<double>(c.late_p99) / 1e3, static_cast<double>(c.late_max) / 1e3,
              static_cast<unsigned long long>(c.received), static_cast<unsigned long long>(own_drops(c)));
}

int bench(Time length) {
  Impairment delay;
  delay.delay = 10ms;
  Impairment long_delay;
  long_delay.delay = 50ms;
  Impairment rate = delay;
  rate.rate = BitRate{100'000'000};

  double bare = 0;
  {
    const Net net;
    bare = throughput(net, length);
    std::printf("TCP, bare veth                     %6.2f Gbit/s\n", bare);
    print_trips("round trip, bare veth", round_trips(net, 500), 0);
  }
  const std::pair<const char*, Impairment> cases[] = {
      {"TCP, link that does nothing", {}}, {"TCP, link of 20 ms round trip", delay}, {"TCP, 100 Mbit/s, 20 ms", rate}};
  for (const auto& [label, impairment] : cases) {
    Net net(impairment, 0);
    const double gbit = throughput(net, length);
    std::printf("%-34s %6.2f Gbit/s, %.3f of the bare veth\n", label, gbit, gbit / bare);
    print_lateness(net);
  }
  for (const unsigned idle : {0u, 200u}) {
    kernel::reserve_descriptors(2 * idle + 64);
    for (const auto& [impairment, ideal] : {std::pair(Impairment{}, 0), {delay, 20'000}, {long_delay, 100'000}}) {
      Net net(impairment, idle);
      const std::string label =
          "round trip, " + std::to_string(ideal / 1000) + " ms, " + std::to_string(idle) + " idle links";
      print_trips(label.c_str(), round_trips(net, ideal > 50'000 ? 50 : 200), ideal);
      print_lateness(net);
    }
  }
  std::printf("processor time of this process: %.1f s\n", seconds_of_processor());
  return 0;
}

}  // namespace
}  // namespace crypelab::impair

int main(int argc, char** argv) {
  try {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
    return crypelab::impair::bench(
        crypelab::impair::Time(static_cast<std::int64_t>(std::clamp(seconds, 0.2, 60.0) * 1e9)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
