#include "harness/blueprint/blueprint.h"
#include "harness/lab/lab.h"
#include "harness/lab/line_reader.h"
#include "harness/scenario/loader.h"
#include "told.h"
#include "words.h"

#include <algorithm>
#include <deque>
#include <sstream>

#include <gtest/gtest.h>

namespace crypelab::test::steps_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Says "ready", and for each datagram where it came from; answers it.
constexpr const char* kFarSide = R"(
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', int(sys.argv[1])))
print('ready', flush=True)
while True:
    data, where = s.recvfrom(2000)
    s.sendto(data, where)
    print(time.monotonic_ns() // 1000, where[0], where[1], flush=True)
)";

// Sends a numbered datagram every 5 ms from one port, which is among those that a NAT that rebinds moves to first; says
// for each answer when it was sent and when it came.
constexpr const char* kNearSide = R"(
import select, socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 30000))
s.setblocking(False)
end = time.monotonic() + float(sys.argv[3])
due = time.monotonic()
while time.monotonic() < end:
    if time.monotonic() >= due:
        due += 0.005
        try: s.sendto(struct.pack('q', time.monotonic_ns() // 1000), (sys.argv[1], int(sys.argv[2])))
        except OSError: pass
    if select.select([s], [], [], max(0, due - time.monotonic()))[0]:
        try: sent, = struct.unpack('q', s.recv(2000))
        except OSError: continue
        print(sent, time.monotonic_ns() // 1000, flush=True)
)";

struct Answer {
  double sent;  // seconds after the lab was up
  double came;
};
struct Arrival {
  double at;
  std::string from;
  int port;
};
struct Story {
  std::vector<Answer> answers;
  std::vector<Arrival> arrivals;
  std::vector<std::string> lines;  // of the watcher

  // How many answers came to what was sent between two moments.
  long answered(double from, double to) const {
    return std::ranges::count_if(answers, [&](const Answer& each) { return each.sent >= from && each.sent < to; });
  }
  // The first moment after `from` at which something was sent that was answered; a large number if never.
  double resumed(double from) const {
    for (const auto& each : answers) {
      if (each.sent >= from) return each.sent;
    }
    return 1e9;
  }
  // The last moment before `until` ...
  double last(double until) const {
    double at = -1;
    for (const auto& each : answers) {
      if (each.sent < until) at = each.sent;
    }
    return at;
  }
  // Mean round trip of what was sent between two moments.
  double round_trip(double from, double to) const {
    double sum = 0;
    int count = 0;
    for (const auto& each : answers) {
      if (each.sent < from || each.sent >= to) continue;
      sum += each.came - each.sent;
      ++count;
    }
    return count == 0 ? -1 : sum / count;
  }
};

// Brings a scenario up; alice talks to the reflector's UDP port for so long, and `watcher`, if any, runs beside on her
// host.
Story tell(const std::string& text, double seconds, const std::string& watcher = "", const std::string& port = "5000") {
  auto loaded = scenario::parse(text, "test.yaml");
  EXPECT_TRUE(loaded.ok()) << scenario::to_string(loaded.problems);
  if (!loaded.ok()) return {};
  const auto plan = blueprint::draw(loaded.scenarios.at(0));
  const auto told = told_by([&](kernel::Supervised& supervised, int output) {
    lab::Lab lab(plan, supervised);
    std::string written;
    double up = 0;
    std::deque<lab::LineReader> readers;
    std::deque<kernel::Program> programs;
    const auto start = [&](const char* kind, const std::string& host, std::vector<std::string> words) {
      auto [reading, writing] = make_pipe();
      programs.push_back(lab.start(host, {.arguments = std::move(words), .descriptors = {-1, writing.get(), 2}}));
      auto& reader = readers.emplace_back(std::move(reading));
      lab.loop().watch(reader.descriptor(), [&written, &reader, &lab, kind] {
        while (const auto line = reader.next()) written += std::string(kind) + " " + *line + "\n";
        if (reader.ended()) lab.loop().forget(reader.descriptor());
      });
      return &reader;
    };
    start("far", "reflector", {"python3", "-c", kFarSide, port});
    lab.loop().run_until([&] { return written.find("ready") != std::string::npos; }, Clock::now() + 10s);
    if (!watcher.empty()) start("watch", "alice", {"python3", "-uc", watcher});
    up = std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
    lab.start_steps();
    auto* near = start("near", "alice", {"python3", "-c", kNearSide, "198.51.100.90", port, std::to_string(seconds)});
    lab.loop().run_until(
        [&] { return near->ended(); },
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds + 20)));
    written += "up " + std::to_string(up) + "\n";
    write_all(output, written);
    return 0;
  });
  EXPECT_EQ(told.status, 0);
  Story story;
  const auto at = told.text.rfind("up ");
  const double up = at == std::string::npos ? 0 : std::stod(told.text.substr(at + 3));
  std::istringstream lines(told.text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    double first = 0, second = 0;
    if (kind == "near" && words >> first >> second) {
      story.answers.push_back({first / 1e6 - up, second / 1e6 - up});
    } else if (kind == "far") {
      Arrival arrival{};
      if (words >> first >> arrival.from >> arrival.port) {
        arrival.at = first / 1e6 - up;
        story.arrivals.push_back(arrival);
      }
    } else if (kind == "watch") {
      story.lines.push_back(line.substr(6));
    }
  }
  return story;
}

std::string scenario_with(const std::string& site, const std::string& steps) {
  return "scenario: test/steps\ntitle: Changes while it runs\nproves: the steps\nsites:\n  office: " + site +
         "\nclients:\n  alice: { site: office }\nsteps:\n" + steps;
}

// How late a step may show. The machine may be busy with other labs; on an idle one it is a few milliseconds.
constexpr double kLate = 0.25;

TEST(Steps, rules_that_are_replaced_kill_a_flow_that_was_allowed_and_let_another_one_pass) {
  const auto story =
      tell(scenario_with("{ nat: {} }",
                         "  - { at: 1s, site: office, egress: [ { drop: { protocol: udp } }, { allow: {} } ] }\n"
                         "  - { at: 2s, site: office, egress: [ { allow: {} } ] }\n"),
           3);
  EXPECT_GT(story.answered(0.5, 1), 50);
  EXPECT_EQ(story.answered(1 + kLate, 2), 0);
  EXPECT_NEAR(story.last(1.9), 1, kLate);
  EXPECT_NEAR(story.resumed(1.9), 2, kLate);
  EXPECT_GT(story.answered(2 + kLate, 3), 50);
}

TEST(Steps, an_uplink_goes_down_and_comes_back) {
  const auto story = tell(scenario_with("{ nat: {} }",
                                        "  - { at: 1s, site: office, uplink: down }\n"
                                        "  - { at: 2s, site: office, uplink: up }\n"),
                          3);
  EXPECT_GT(story.answered(0.5, 1), 50);
  EXPECT_EQ(story.answered(1 + kLate, 2), 0);
  EXPECT_NEAR(story.last(1.9), 1, kLate);
  EXPECT_NEAR(story.resumed(1.9), 2, kLate);
}

TEST(Steps, the_clients_own_link_loses_its_carrier_and_finds_it_again) {
  // Prints each change of the carrier of all links but the loopback.
  const std::string watcher =
      "import glob, time\n"
      "def carrier(p):\n"
      "  try: return open(p).read().strip()\n"
      "  except OSError: return '0'\n"
      "was = None\n"
      "while True:\n"
      "  now = [carrier(p) for p in sorted(glob.glob('/sys/class/net/[!l]*/carrier'))]\n"
      "  if now != was: print(time.monotonic(), *now, flush=True)\n"
      "  was = now\n"
      "  time.sleep(0.002)\n";
  const auto story = tell(scenario_with("{ nat: {} }",
                                        "  - { at: 1s, client: alice, site: office, link: down }\n"
                                        "  - { at: 2s, client: alice, site: office, link: up }\n"),
                          3, watcher);
  EXPECT_GT(story.answered(0.5, 1), 50);
  EXPECT_EQ(story.answered(1 + kLate, 2), 0);
  EXPECT_NEAR(story.resumed(1.9), 2, kLate);
  std::string seen;
  for (const auto& line : story.lines) seen += line.substr(line.find(' ') + 1);
  EXPECT_EQ(seen, "101");
}

TEST(Steps, the_carrier_of_the_uplink_is_the_edges_not_the_clients) {
  const auto story =
      tell(scenario_with("{ nat: {} }", "  - { at: 200ms, site: office, uplink: down }\n"), 0.6,
           "import glob, time\nfor i in range(100):\n"
           "  print(*[open(p).read().strip() for p in glob.glob('/sys/class/net/[!l]*/carrier')], flush=True)\n"
           "  time.sleep(0.005)\n");
  ASSERT_FALSE(story.lines.empty());
  for (const auto& line : story.lines) EXPECT_EQ(line, "1");
}

TEST(Steps, a_new_address_is_what_the_far_side_sees) {
  const auto story = tell(scenario_with("{ nat: {} }", "  - { at: 1s, site: office, address: new }\n"), 2);
  ASSERT_FALSE(story.arrivals.empty());
  const auto first = story.arrivals.front().from;
  const auto changed = std::ranges::find_if(story.arrivals, [&](const Arrival& each) { return each.from != first; });
  ASSERT_NE(changed, story.arrivals.end());
  EXPECT_NEAR(changed->at, 1, kLate);
  EXPECT_TRUE(
      std::all_of(changed, story.arrivals.end(), [&](const Arrival& each) { return each.from == changed->from; }));
  EXPECT_NEAR(story.resumed(1 + kLate), 1 + kLate, 0.1);
}

TEST(Steps, a_nat_that_rebinds_moves_the_port_and_keeps_the_address) {
  const auto story = tell(scenario_with("{ nat: { rebind: 1s } }", "  - { at: 10s, site: office, egress: [] }\n"), 3.7);
  ASSERT_FALSE(story.arrivals.empty());
  std::vector<Arrival> moves;
  for (const auto& each : story.arrivals) {
    if (moves.empty() || moves.back().port != each.port) moves.push_back(each);
    EXPECT_EQ(each.from, story.arrivals.front().from);
  }
  ASSERT_GE(moves.size(), 3U);
  EXPECT_NEAR(moves[1].at, 1, kLate);
  EXPECT_NEAR(moves[2].at, 2, kLate);
}

TEST(Steps, an_uplink_gets_slower_and_loses_packets_at_its_time) {
  const auto story = tell(scenario_with("{ uplink: { delay: 5ms } }",
                                        "  - { at: 1s, site: office, uplink: { delay: 60ms } }\n"
                                        "  - { at: 2s, site: office, uplink: { delay: 5ms, loss: 50% } }\n"),
                          3.2);
  EXPECT_LT(story.round_trip(0.4, 0.9), 0.05);
  EXPECT_GT(story.round_trip(1 + kLate, 1.7), 0.12);
  EXPECT_LT(story.round_trip(1 + kLate, 1.7), 0.2);
  EXPECT_LT(story.round_trip(2 + kLate, 2.9), 0.06);
  const double share = static_cast<double>(story.answered(2 + kLate, 2.9)) / (0.65 / 0.005);
  EXPECT_GT(share, 0.08);  // a quarter of the round trips survives
  EXPECT_LT(share, 0.5);
}

TEST(Steps, a_record_changes_at_its_time) {
  const auto story =
      tell(scenario_with("{ nat: {} }", "  - { at: 1s, record: turn.crype.test, to: [198.51.100.20] }\n"), 2,
           "import socket, time\n"
           "was = None\n"
           "while True:\n"
           "  now = sorted({a[4][0] for a in socket.getaddrinfo('turn.crype.test', 1, socket.AF_INET)})\n"
           "  if now != was: print(time.monotonic(), *now, flush=True)\n"
           "  was = now\n"
           "  time.sleep(0.005)\n");
  ASSERT_EQ(story.lines.size(), 2U) << (story.lines.empty() ? "" : story.lines.front());
  EXPECT_NE(story.lines[0].find("203.0.113.20"), std::string::npos) << story.lines[0];
  EXPECT_NE(story.lines[1].find(" 198.51.100.20"), std::string::npos) << story.lines[1];
}

}  // namespace
}  // namespace crypelab::test::steps_test
