#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/lab/lab.h"
#include "harness/scenario/loader.h"
#include "told.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

// What the services of the world report, and what happens when one dies: labs inside the test's own process tree.
namespace crypelab::lab::world_events_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kWorld = R"(
scenario: test/events
title: What the services of the world report
sites: { office: { nat: {} } }
clients: { alice: { site: office } }
)";

using Change = std::function<void(blueprint::Blueprint&)>;

// Runs `inside` in a lab of that scenario, after `change` to its blueprint; what it returns goes to the caller, with
// what it says when it is no use.
std::string in_lab(const std::string& text, const std::function<std::string(Lab&)>& inside, const Change& change = {}) {
  const auto loaded = scenario::parse(text, "test.yaml");
  if (!loaded.ok()) return scenario::to_string(loaded.problems);
  auto plan = blueprint::draw(loaded.scenarios.front());
  if (change) change(plan);
  return test::told_by([&](kernel::Supervised& supervised, int output) {
           Lab lab(plan, supervised);
           test::write_all(output, inside(lab));
           return 0;
         })
      .text;
}

std::string line_of(const model::Event& event) {
  auto line = fmt::format("{} {} {}", to_string(event.source), event.where, event.kind);
  for (const auto& [name, value] : event.fields) {
    std::visit([&, &key = name](const auto& v) { line += fmt::format(" {}={}", key, v); }, value);
  }
  return line + "\n";
}

// Runs a program on alice's machine to its end, and on until an event `last` has come; gives every event as a line.
std::string events_of(Lab& lab, const std::vector<std::string>& program, const std::string& last) {
  const auto credentials = lab.credentials("alice");
  auto arguments = program;
  for (auto& argument : arguments) {
    if (argument == "USER") argument = credentials.turn.user;
    if (argument == "PASSWORD") argument = credentials.turn.password;
    if (argument == "TOKEN") argument = "Authorization: Bearer " + credentials.token;
  }
  auto running = lab.start("alice", {.arguments = arguments});
  const auto deadline = Loop::Clock::now() + 20s;
  const int end = running.descriptor();  // closed when it has ended
  lab.loop().watch(end, [&] { running.poll(); });
  lab.loop().run_until([&] { return running.poll().has_value(); }, deadline);
  lab.loop().forget(end);
  const auto seen = [&] { return std::ranges::find(lab.events(), last, &model::Event::kind) != lab.events().end(); };
  if (!last.empty()) lab.loop().run_until(seen, deadline);
  std::string lines;
  for (const auto& event : lab.events()) lines += line_of(event);
  for (const auto& secret : {credentials.token, credentials.turn.password}) {
    if (lines.find(secret) != std::string::npos) lines += "A SECRET IS IN THE EVENTS\n";
  }
  return lines;
}

std::vector<std::string> turn_client(std::vector<std::string> options) {
  std::vector<std::string> all{"turnutils_uclient", "-u", "USER", "-w", "PASSWORD", "-c", "-y", "-n", "1", "-m", "1"};
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

void expect_line(const std::string& lines, const std::string& start, const std::string& part) {
  std::size_t at = 0;
  while (at < lines.size()) {
    const auto end = lines.find('\n', at);
    const auto line = lines.substr(at, end - at);
    if (line.starts_with(start) && line.find(part) != std::string::npos) return;
    at = end + 1;
  }
  ADD_FAILURE() << "no line '" << start << "... " << part << "' in:\n" << lines;
}

TEST(WorldEvents, an_allocation_is_reported_from_its_first_request_to_its_end) {
  const auto lines = in_lab(kWorld, [](Lab& lab) {
    return events_of(lab, turn_client({"-t", "-p", "443", "203.0.113.21"}), "closed");
  });
  expect_line(lines, "turn turn-a connection", "client=198.18.0.2:");
  expect_line(lines, "turn turn-a request", "error=401");
  expect_line(lines, "turn turn-a relay", "address=203.0.113.20:");
  expect_line(lines, "turn turn-a allocation", ":alice lifetime=777 tls=false");
  expect_line(lines, "turn turn-a peer", "peer=203.0.113.20:");
  expect_line(lines, "turn turn-a request", "method=CHANNEL_BIND error=0");
  expect_line(lines, "turn turn-a refresh", "lifetime=0");
  expect_line(lines, "turn turn-a closed", "server=203.0.113.21:443 client=198.18.0.2:");
  EXPECT_EQ(lines.find("SECRET"), std::string::npos);
  EXPECT_EQ(lines.find("turn-b"), std::string::npos);
}

TEST(WorldEvents, wrong_credentials_are_reported) {
  for (const char* credentials : {"", "turn: {credentials: long-term}\n"}) {
    const auto lines = in_lab(std::string(kWorld) + credentials, [](Lab& lab) {
      return events_of(lab,
                       {"timeout", "2", "turnutils_uclient", "-u", "USER", "-w", "wrong", "-c", "-y", "198.51.100.20"},
                       "request");
    });
    expect_line(lines, "turn turn-b request", "alice method=message error=401");
    if (*credentials != '\0') expect_line(lines, "turn turn-b refused", "user=alice");
  }
}

TEST(WorldEvents, signaling_reports_what_it_was_asked_and_by_whom) {
  const auto lines = in_lab(kWorld, [](Lab& lab) {
    return events_of(lab, {"curl", "-s", "https://signal.crype.test/v1/ice-servers", "-H", "TOKEN"}, "ice-servers");
  });
  expect_line(lines, "signaling signal ice-servers", "peer=alice address=198.18.0.2:");
  EXPECT_EQ(lines.find("SECRET"), std::string::npos);
}

// One byte is enough for a judgement. (coturn itself takes TLS for plain TCP when its first bytes come apart.)
TEST(WorldEvents, first_bytes_at_a_tls_port_are_counted) {
  const auto counts = in_lab(kWorld, [](Lab& lab) {
    events_of(lab, {"sh", "-c", "openssl s_client -connect turns.crype.test:5349 </dev/null >/dev/null 2>&1"}, "");
    events_of(lab,
              {"python3", "-c",
               "import socket; s = socket.create_connection(('turns.crype.test', 443), 5); s.sendall(b'p'); s.recv(1)"},
              "");
    const auto all = lab.network().counters("turn-a");
    return fmt::format("hello {} plain {}", all.at("turn-a/tls_hello").packets, all.at("turn-a/tls_plain").packets);
  });
  EXPECT_EQ(counts, "hello 1 plain 1");
}

// turnutils on one and the same port for TLS, once without TLS and once with it. Of every allocation: where its
// connection came in, and whether it began with TLS; then how many connections there began with it, and how many did
// not.
std::string allocations_at_a_tls_port(Lab& lab) {
  const std::string client = "timeout 10 turnutils_uclient -u \"$0\" -w \"$1\" -c -y -n 1 -m 1 -t -p 443 ";
  const std::string with_tls = "-S -F ECDHE-ECDSA-AES128-GCM-SHA256 ";  // by lot it asks for versions that nobody has
  events_of(lab,
            {"sh", "-c",
             client + "203.0.113.22 >/dev/null 2>&1 & " + client + with_tls + "203.0.113.22 >/dev/null 2>&1; wait",
             "USER", "PASSWORD"},
            "");
  const auto of_sessions = [&](std::string_view kind, std::string_view name) {
    std::map<std::int64_t, std::string> found;
    for (const auto& event : lab.events()) {
      const auto* session = model::find_field(event, "session");
      const auto* value = model::find_field(event, name);
      if (event.where != "turn-a" || event.kind != kind || session == nullptr || value == nullptr) continue;
      found[std::get<std::int64_t>(*session)] = std::visit([](const auto& v) { return fmt::format("{}", v); }, *value);
    }
    return found;
  };
  const auto all_closed = [&] {
    const auto closed = of_sessions("closed", "server");
    return std::ranges::all_of(of_sessions("allocation", "tls"),
                               [&](const auto& one) { return closed.contains(one.first); });
  };
  lab.loop().run_until(all_closed, Loop::Clock::now() + 10s);
  auto servers = of_sessions("closed", "server");
  std::set<std::string> said;
  for (const auto& [session, tls] : of_sessions("allocation", "tls"))
    said.insert(fmt::format("{} tls={}", servers[session], tls));
  const auto counted = lab.network().counters("turn-a");
  return fmt::format("{}; hello: {}, plain: {}", fmt::join(said, ", "), counted.at("turn-a/tls_hello").packets > 0,
                     counted.at("turn-a/tls_plain").packets > 0);
}

TEST(WorldEvents, of_every_allocation_it_is_known_whether_it_began_with_tls) {
  // A port for TLS is one: what is plain there gets no allocation.
  EXPECT_EQ(in_lab(kWorld, allocations_at_a_tls_port), "203.0.113.22:443 tls=true; hello: true, plain: true");
  // Without the check in front of it the server takes it, and each is known for what it is.
  const auto unchecked = [](blueprint::Blueprint& plan) {
    auto& rules = std::ranges::find(plan.hosts, "turn-a", &blueprint::Host::name)->rule_set;
    const std::string reset = "counter name tls_plain meta l4proto tcp reject with tcp reset";
    const auto at = rules.find(reset);
    if (at == std::string::npos) throw Failure(Exit::software, "no check in front of turn-a");
    rules.replace(at, reset.size(), "counter name tls_plain ct mark set 1 accept");
  };
  EXPECT_EQ(in_lab(kWorld, allocations_at_a_tls_port, unchecked),
            "203.0.113.22:443 tls=false, 203.0.113.22:443 tls=true; hello: true, plain: true");
}

// Kills a process of that name; the lab has a PID namespace of its own, so that no other can be meant.
bool kill_in_this_lab(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "comm");
    std::string found;
    if (!std::getline(in, found) || found != name) continue;
    return kill(std::stoi(entry.path().filename()), SIGKILL) == 0;
  }
  return false;
}

// Who looks now and then is late in every round; a machine that has something else to do is not.
TEST(WorldEvents, a_service_that_dies_is_seen_within_a_tenth_of_a_second_with_its_last_words) {
  for (const char* name : {"turnserver", "crypelab-signal"}) {  // as the kernel cuts them
    std::string said;
    for (int round = 0; round < 5 && !said.starts_with("killed at once"); ++round) {
      said = in_lab(kWorld, [&](Lab& lab) {
        const auto begin = Loop::Clock::now();
        const bool killed = kill_in_this_lab(name);
        lab.loop().run_until([&] { return !lab.casualties().empty(); }, begin + 5s);
        const auto took = Loop::Clock::now() - begin;
        events_of(lab, {"true"}, "");  // while another program lives and ends
        return fmt::format("{} {}, {} in all: {}", killed ? "killed" : "not found", took < 100ms ? "at once" : "late",
                           lab.casualties().size(), lab.casualties().empty() ? "nothing" : lab.casualties().front());
      });
      EXPECT_TRUE(said.starts_with("killed ")) << said;
      EXPECT_NE(said.find(", 1 in all: "), std::string::npos) << said;
    }
    EXPECT_TRUE(said.starts_with("killed at once")) << said;
    EXPECT_NE(said.find("ended: signal 9"), std::string::npos) << said;
    EXPECT_GT(std::ranges::count(said, '\n'), 1) << said;
  }
}

// What a step does on purpose is no casualty, and what the new server does is reported as before.
TEST(WorldEvents, a_restarted_service_is_no_casualty_and_goes_on_reporting) {
  const auto lines = in_lab(std::string(kWorld) + "steps: [{at: 0s, restart: turn-b}]\n", [](Lab& lab) {
    lab.start_steps();
    const auto seen =
        events_of(lab,
                  {"sh", "-c",
                   "until timeout 0.3 turnutils_stunclient 198.51.100.20 2>&1 | grep -q reflexive; do :; done; "
                   "timeout 5 turnutils_uclient -u alice -w wrong -c -y 198.51.100.20"},
                  "request");
    return fmt::format("{}{} casualties\n", seen, lab.casualties().size());
  });
  expect_line(lines, "turn turn-b request", "error=401");
  expect_line(lines, "0 casualties", "");
}

}  // namespace
}  // namespace crypelab::lab::world_events_test
