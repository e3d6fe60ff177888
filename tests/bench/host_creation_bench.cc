// What a host costs: a namespace, a cable to a router of at most 50 ports, IPv4 and IPv6 addresses at both ends,
// default routes; next to ip(8) doing the same on the same machine in the same run. Everything happens in user and
// network namespaces of its own. Give a number of hosts as argument for a single count.

#include "harness/base/error.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/route.h"
#include "harness/kernel/rule_counters.h"
#include "harness/kernel/rule_set.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace crypelab;
using namespace crypelab::kernel;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPorts = 50;  // of a router

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text << std::flush)) throw_errno(path);
}

// Waits until no namespace but this process's own is left. How many a user namespace still holds is told by nobody;
// that there are fewer than a limit is told by a new one being allowed.
void await_emptiness() {
  write_file("/proc/sys/user/max_net_namespaces", "2");
  const auto end = Clock::now() + std::chrono::minutes(1);
  while (true) {
    try {
      const NetworkNamespace allowed;
      break;
    } catch (const Failure&) {
      if (Clock::now() > end) throw;
      ::poll(nullptr, 0, 1);
    }
  }
  write_file("/proc/sys/user/max_net_namespaces", "100000");
}

struct Network {
  std::deque<NetworkNamespace> hosts;
  std::deque<NetworkNamespace> routers;  // go first, and take the cables of fifty hosts along at a time
};

void add_host(Network& network, std::size_t number) {
  const std::size_t segment = number / kPorts;
  const std::size_t port = number % kPorts;
  if (port == 0) network.routers.emplace_back();
  const NetworkNamespace& router = network.routers.back();
  const NetworkNamespace& host = network.hosts.emplace_back();
  const auto high = static_cast<std::uint8_t>(segment);
  const auto low = static_cast<std::uint8_t>(port);
  Cable cable({host, "eth0", {2, 0, 0, 0, high, low}}, {router, fmt::format("port{}", port), {2, 0, 0, 1, high, low}});
  cable.raise();
  const auto v4 = Address::v4(10U << 24 | static_cast<std::uint32_t>(segment << 16 | port << 8));
  const auto v6 = Address::v6({0xfd, 0, 0, 0, 0, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 0});
  cable.first().add({v4.plus(2), 24});
  cable.second().add({v4.plus(1), 24});
  cable.first().add({v6.plus(2), 64});
  cable.second().add({v6.plus(1), 64});
  add(host, {{Address::v4(0), 0}, v4.plus(1)});
  add(host, {{Address::v6({}), 0}, v6.plus(1)});
}

struct Cost {
  double creation = 0;   // milliseconds a host
  double processor = 0;  // of that on a processor: says more than the clock on a busy machine
  double teardown = 0;
};

// Of this process and the programs that it waited for, in milliseconds.
double processor_time() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    if (::getrusage(who, &usage) != 0) throw_errno("read the processor time");
    for (const auto& time : {usage.ru_utime, usage.ru_stime}) {
      sum += static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
    }
  }
  return sum;
}

// What the kernel waits for however little there is: the floor under every teardown.
double one_namespace_gone() {
  std::vector<double> all;
  for (int i = 0; i < 9; ++i) {
    { const NetworkNamespace one; }
    const auto start = Clock::now();
    await_emptiness();
    all.push_back(milliseconds_since(start));
  }
  std::nth_element(all.begin(), all.begin() + 4, all.end());
  return all[4];
}

Cost with_crypelab(std::size_t count) {
  reserve_descriptors(count * 3 + 100);
  Cost cost;
  const double processor = processor_time();
  auto start = Clock::now();
  {
    Network network;
    for (std::size_t i = 0; i < count; ++i) add_host(network, i);
    cost.creation = milliseconds_since(start) / static_cast<double>(count);
    cost.processor = (processor_time() - processor) / static_cast<double>(count);
    start = Clock::now();
  }
  await_emptiness();
  cost.teardown = milliseconds_since(start) / static_cast<double>(count);
  return cost;
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw Failure(Exit::unavailable, fmt::format("{} failed", command));
}

// The same network in the words of ip(8). Names lie on a tmpfs of this process's own mount namespace.
std::vector<std::string> ip_commands(std::size_t number) {
  const std::size_t segment = number / kPorts;
  const std::size_t port = number % kPorts;
  std::vector<std::string> all;
  if (port == 0) {
    all.push_back(fmt::format("netns add r{}", segment));
    all.push_back(fmt::format("-n r{} link set lo up", segment));
  }
  const auto host = fmt::format("-n h{}", number);
  const auto router = fmt::format("-n r{}", segment);
  const auto v4 = fmt::format("10.{}.{}", segment, port);
  const auto v6 = fmt::format("fd00:0:0:{:02x}{:02x}:", segment, port);
  all.push_back(fmt::format("netns add h{}", number));
  all.push_back(host + " link set lo up");
  all.push_back(fmt::format("{} link add eth0 type veth peer name port{} netns r{}", host, port, segment));
  all.push_back(host + " link set eth0 up");
  all.push_back(fmt::format("{} link set port{} up", router, port));
  all.push_back(fmt::format("{} addr add {}.2/24 dev eth0", host, v4));
  all.push_back(fmt::format("{} addr add {}.1/24 dev port{}", router, v4, port));
  all.push_back(fmt::format("{} addr add {}:2/64 dev eth0 nodad", host, v6));
  all.push_back(fmt::format("{} addr add {}:1/64 dev port{} nodad", router, v6, port));
  all.push_back(fmt::format("{} route add default via {}.1", host, v4));
  all.push_back(fmt::format("{} route add ::/0 via {}:1", host, v6));
  return all;
}

// `ip -batch` takes no -n within a batch: a batch a namespace is what it allows, after one that makes the namespaces.
Cost with_ip(std::size_t count, bool batch) {
  run("mkdir -p /run/netns && mount -t tmpfs none /run/netns");
  Cost cost;
  const double processor = processor_time();
  auto start = Clock::now();
  if (!batch) {
    for (std::size_t i = 0; i < count; ++i) {
      for (const auto& command : ip_commands(i)) run("ip " + command);
    }
  } else {
    const auto feed = [](const std::string& options, const std::string& text) {
      FILE* ip = ::popen(fmt::format("ip {} -batch -", options).c_str(), "w");
      if (ip == nullptr || std::fputs(text.c_str(), ip) < 0 || ::pclose(ip) != 0) {
        throw Failure(Exit::unavailable, "ip -batch failed");
      }
    };
    std::string namespaces;
    std::deque<std::pair<std::string, std::string>> inside;  // namespace options, batch; hosts before their router
    for (std::size_t i = 0; i < count; ++i) {
      std::string host;
      if (i % kPorts == 0) inside.emplace_back(fmt::format("-n r{}", i / kPorts), "");
      const std::size_t router = inside.size() - 1 - i % kPorts;
      for (const auto& command : ip_commands(i)) {
        if (!command.starts_with("-n ")) {
          namespaces += command + "\n";
          continue;
        }
        const auto end = command.find(' ', 3);
        (command[3] == 'h' ? host : inside[router].second) += command.substr(end + 1) + "\n";
      }
      inside.emplace_back(fmt::format("-n h{}", i), host);
    }
    feed("", namespaces);
    for (const auto& [options, text] : inside) {
      if (options[3] == 'h') feed(options, text);
    }
    for (const auto& [options, text] : inside) {
      if (options[3] == 'r') feed(options, text);
    }
  }
  cost.creation = milliseconds_since(start) / static_cast<double>(count);
  cost.processor = (processor_time() - processor) / static_cast<double>(count);
  start = Clock::now();
  run("for f in /run/netns/*; do echo netns del ${f##*/}; done | ip -batch -; umount /run/netns");
  await_emptiness();
  cost.teardown = milliseconds_since(start) / static_cast<double>(count);
  return cost;
}

void print(const char* how, std::size_t count, const Cost& cost, const Cost& ours) {
  fmt::print(
      "{:<12} {:>5} hosts  creation {:7.2f} ms/host ({:5.1f}x), on a processor {:6.2f}; teardown {:6.2f} ms/host "
      "({:5.1f}x)\n",
      how, count, cost.creation, cost.creation / ours.creation, cost.processor, cost.teardown,
      cost.teardown / ours.teardown);
  std::fflush(stdout);
}

template <class F>
double median_microseconds(int times, F&& work) {
  std::vector<double> all;
  for (int i = 0; i < times; ++i) {
    const auto start = Clock::now();
    work();
    all.push_back(milliseconds_since(start) * 1000);
  }
  std::nth_element(all.begin(), all.begin() + times / 2, all.end());
  return all[static_cast<std::size_t>(times / 2)];
}

void parts() {
  const RuleTable table{"inet", "lab"};
  const NetworkNamespace space;
  std::string rules = "table inet lab {\n";
  for (int i = 0; i < 50; ++i) rules += fmt::format("  counter c{} {{}}\n", i);
  rules += "  chain forward {\n    type filter hook forward priority 0;\n";
  for (int i = 0; i < 50; ++i) rules += fmt::format("    udp dport {} counter name c{} drop\n", 1000 + i, i);
  rules += "  }\n}\n";
  fmt::print("in and out of a namespace   {:8.1f} us\n",
             median_microseconds(200, [&] { const InNamespace inside(space); }));
  fmt::print("a namespace                 {:8.1f} us\n", median_microseconds(50, [] { const NetworkNamespace fresh; }));
  fmt::print("50 rules loaded by nft      {:8.1f} us\n",
             median_microseconds(20, [&] { load_rules(space, rules, {table}); }));
  std::deque<NetworkNamespace> eight(8);
  fmt::print("the same in 8 side by side  {:8.1f} us\n", median_microseconds(10, [&] {
               std::deque<RuleSetLoad> loads;
               for (const auto& each : eight) loads.emplace_back(each, rules, std::vector<RuleTable>{table});
               for (auto& load : loads) load.finish();
             }));
  RuleCounters counters(space, table);
  fmt::print("50 counters read            {:8.1f} us\n", median_microseconds(200, [&] { counters.read(); }));
}

void enter_own_namespaces() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) throw_errno("make namespaces for the benchmark");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map",
             fmt::format("0 {} 1", user));  // as root: ip(8) and mount(8) are programs of their own
  write_file("/proc/self/gid_map", fmt::format("0 {} 1", group));
  run("mount --make-rprivate / && mount -t tmpfs none /run");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    enter_own_namespaces();
    parts();
    fmt::print("one namespace is gone after {:8.1f} ms\n", one_namespace_gone());
    std::vector<std::size_t> counts{100, 1000};
    if (argc > 1) counts = {std::string_view(argv[1]) == "--quick" ? 20 : static_cast<std::size_t>(std::atol(argv[1]))};
    for (const std::size_t count : counts) {
      const auto ours = with_crypelab(count);
      print("crypelab", count, ours, ours);
      print("ip -batch", count, with_ip(count, true), ours);
      if (count <= 100)
        print("ip", std::min<std::size_t>(count, 20), with_ip(std::min<std::size_t>(count, 20), false), ours);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
