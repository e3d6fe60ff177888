// The reference client beside coturn's own load tool over one coturn, and the time that whole processes take to
// connect. Targets: relay-load at least 3 times the messages a second of turnutils_uclient over UDP, with less CPU a
// message; connects in 100 ms directly and over relay-udp.
#include "call.h"
#include "harness/base/error.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

namespace {

using namespace crypelab;
using namespace crypelab::client;
namespace json = boost::json;
using namespace std::chrono_literals;

double cpu_of_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// User and system time of a process that runs, in seconds.
double cpu_of(pid_t pid) {
  std::string text;
  if (std::FILE* const file = std::fopen(fmt::format("/proc/{}/stat", pid).c_str(), "re")) {
    text.resize(4'096);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
  }
  // Fields 14 and 15, counted behind the name in parentheses.
  auto at = text.rfind(')');
  std::uint64_t ticks = 0;
  for (int field = 3; at != std::string::npos && field <= 15; ++field) {
    at = text.find(' ', at + 1);
    std::uint64_t value = 0;
    if (at != std::string::npos) std::from_chars(text.data() + at + 1, text.data() + text.size(), value);
    if (field >= 14) ticks += value;
  }
  return static_cast<double>(ticks) / 100;
}

struct Rate {
  double messages_per_second = 0;
  double lost_percent = 0;
  double cpu_us = 0;     // of the load tool, for each message that arrived
  double relay_cpu = 0;  // share of a core
};

std::uint64_t number_behind(const std::string& line, std::string_view name) {
  std::uint64_t value = 0;
  const auto at = line.find(name);
  if (at != std::string::npos) std::from_chars(line.data() + at + name.size(), line.data() + line.size(), value);
  return value;
}

// The best second of turnutils_uclient: it tells its counts once a second.
Rate uclient(const TurnServer& turn, std::string_view transport, int messages) {
  std::vector<std::string> command{"/usr/bin/turnutils_uclient",
                                   "-y",
                                   "-c",
                                   "-m",
                                   "16",
                                   "-n",
                                   std::to_string(messages),
                                   "-l",
                                   "1000",
                                   "-z",
                                   "1",
                                   "-u",
                                   "turn",
                                   "-w",
                                   "turn-password"};
  if (transport != "udp") command.emplace_back("-t");
  if (transport == "tls") command.emplace_back("-S");
  command.insert(command.end(),
                 {"-p", std::to_string(transport == "tls" ? turn.tls_port() : turn.port()), "127.0.0.1"});
  const double before = cpu_of_children();
  const double relay_before = cpu_of(turn.pid());
  const auto begin = std::chrono::steady_clock::now();
  Program tool(command, "");
  tool.exit_status(25s);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  Rate rate;
  std::uint64_t last = 0;
  std::uint64_t sent = 0;
  for (const auto& line : tool.lines()) {
    if (line.find("tot_recv_msgs=") == std::string::npos) continue;
    const auto received = number_behind(line, "tot_recv_msgs=");
    sent = number_behind(line, "tot_send_msgs=");
    rate.messages_per_second = std::max(rate.messages_per_second, static_cast<double>(received - last));
    last = received;
  }
  if (last == 0) return rate;
  rate.lost_percent = 100.0 * static_cast<double>(sent - last) / static_cast<double>(sent);
  rate.cpu_us = (cpu_of_children() - before) * 1e6 / static_cast<double>(last);
  rate.relay_cpu = (cpu_of(turn.pid()) - relay_before) / took;
  return rate;
}

json::object load_job(const SignalingServer& signaling, const TurnServer& turn, std::string_view transport, int ms) {
  return {{"contract", 1},
          {"task", "relay-load"},
          {"deadline", 120'000},
          {"ice", {{"servers", turn.servers(transport)}}},
          {"trust", signaling.trust()},
          {"app", "desktop"},
          {"load", {{"ms", ms}, {"size", 1'000}}}};
}

json::object load(const json::object& job, int sessions) {
  Program client({client_program(), "--sessions", std::to_string(sessions)}, json::serialize(job));
  client.exit_status(120s);
  const auto result = client.event("relay-load");
  if (!result) {
    std::string told;
    for (const auto& line : client.lines()) told += line + "\n";
    throw Failure(Exit::failed, "relay-load: " + told + client.errors());
  }
  return *result;
}

void relays(bool quick) {
  const SignalingServer signaling;
  for (const auto* const transport : {"udp", "tcp", "tls"}) {
    const TurnServer turn(signaling);
    const auto other = uclient(turn, transport, quick ? 1'000 : 4'000);
    const double relay_before = cpu_of(turn.pid());
    const auto own = load(load_job(signaling, turn, transport, quick ? 1'000 : 5'000), 1);
    const double seconds = own.at("seconds").as_double();
    const double relay_cpu = (cpu_of(turn.pid()) - relay_before) / seconds;
    const double rate = own.at("messages_per_second").as_double();
    const double lost = 100.0 * static_cast<double>(own.at("lost").as_int64()) /
                        static_cast<double>(std::max<std::int64_t>(own.at("sent").as_int64(), 1));
    fmt::print(
        "{:<4} uclient    {:>8.0f} messages/s  {:>5.1f} % lost  {:>5.1f} us CPU a message  relay {:>4.0f} % of a "
        "core\n",
        transport, other.messages_per_second, other.lost_percent, other.cpu_us, other.relay_cpu * 100);
    fmt::print(
        "{:<4} relay-load {:>8.0f} messages/s  {:>5.1f} % lost  {:>5.1f} us CPU a message  relay {:>4.0f} %, client "
        "{:.0f} %; {:.1f} times uclient\n",
        transport, rate, lost, own.at("cpu_us_per_message").as_double(), relay_cpu * 100,
        own.at("cpu_share").as_double() * 100, other.messages_per_second > 0 ? rate / other.messages_per_second : 0);
    std::fflush(stdout);
  }
  const TurnServer turn(signaling);
  const int sessions = quick ? 100 : 1'000;
  const auto many = load(load_job(signaling, turn, "udp", 2'000), sessions);
  fmt::print("{} sessions in one process: {} bytes each (limit 102400), ready in {:.0f} ms, {:.0f} messages/s\n",
             sessions, many.at("bytes_per_session").as_int64(), many.at("ready_ms").as_double(),
             many.at("messages_per_second").as_double());
}

std::string text_of(const json::object& parts) {
  std::string text;
  for (const auto& part : parts) {
    text += fmt::format(" {} {:.1f}", std::string_view(part.key().data(), part.key().size()), part.value().as_double());
  }
  return text;
}

void connects(bool quick) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  for (const auto* const path : {"direct", "udp", "tcp", "tls"}) {
    std::vector<double> times;
    json::object parts;
    for (int i = 0; i < (quick ? 3 : 15); ++i) {
      const bool direct = path == std::string_view("direct");
      Call::Changes changes;
      if (!direct) changes.ice_servers = turn.servers(path);
      if (!direct) changes.policy = "relay";
      const std::string room = fmt::format("{}-{}", path, i);
      changes.room = room;
      Call call(signaling, changes);
      if (!call.connected() || !call.ended_well()) throw Failure(Exit::failed, call.told());
      const auto ms = [](Program& client) { return client.event("connected")->at("t").as_double(); };
      times.push_back(std::max(ms(call.alice()), ms(call.bob())));
      parts = call.alice().event("breakdown")->at("ms").as_object();
    }
    std::sort(times.begin(), times.end());
    fmt::print("{:<7} both connected after {:>6.1f} ms (median), {:.1f} ms (best); last: {}\n", path,
               times[times.size() / 2], times.front(), text_of(parts));
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
    connects(quick);
    relays(quick);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "client_bench: %s\n", error.what());
    return 1;
  }
}
