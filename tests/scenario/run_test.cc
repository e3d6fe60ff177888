#include "harness/base/error.h"
#include "harness/lab/trial.h"
#include "harness/scenario/loader.h"
#include "harness/wire/packet.h"
#include "running.h"
#include "runs.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::test::run_test {
namespace {

using namespace std::chrono_literals;
using evidence::Attempt;
using model::Source;

std::chrono::nanoseconds begin_of_clients(const Attempt& attempt) {
  const auto found = std::ranges::find(attempt.events, "client-started", &model::Event::kind);
  return found == attempt.events.end() ? std::chrono::nanoseconds::max() : found->at;
}

// UDP packets that the clients sent to, or got from, the STUN port.
std::size_t stun_packets(const Attempt& attempt, const std::string& interface, bool outgoing) {
  std::size_t count = 0;
  for (const auto& packet : attempt.packets) {
    if (attempt.interfaces[packet.interface].name != interface || packet.outgoing != outgoing) continue;
    if (packet.at < begin_of_clients(attempt)) continue;
    const auto ip = wire::decode_frame(packet.bytes);
    const auto* udp = ip ? ip->udp() : nullptr;
    if (udp != nullptr && (outgoing ? udp->destination_port : udp->source_port) == 3478) ++count;
  }
  return count;
}

std::int64_t dropped(const Attempt& attempt) {
  std::int64_t count = 0;
  for (const auto& event : of(attempt, Source::rule, "office.edge", "counter")) {
    if (text_field(event, "name") != "egress_1_out") continue;
    const auto packets = std::get<std::int64_t>(*find_field(event, "packets"));
    count = text_field(event, "when") == "end" ? packets - count : packets;
  }
  return count;
}

TEST_F(Runs, udp_that_is_dropped_is_tried_stopped_by_its_rule_and_never_answered) {
  const auto finished = run("curl", "curl");
  const auto seen = attempt();
  EXPECT_TRUE(seen.complete) << finished.out << finished.err;
  EXPECT_EQ(seen.packets_lost, 0U);
  EXPECT_TRUE(seen.casualties.empty());
  EXPECT_EQ(stun_packets(seen, "alice.eth0", true), 3U);
  EXPECT_EQ(stun_packets(seen, "alice.eth0", false), 0U);
  EXPECT_EQ(stun_packets(seen, "office.border", true), 0U);
  EXPECT_GE(dropped(seen), 3);
  EXPECT_EQ(field(seen, "problem", "code", Source::client), model::Value(std::string("TURN_UNREACHABLE")));
  EXPECT_EQ(field(seen, "signaling", "state", Source::client), model::Value(std::string("open")));
  EXPECT_EQ(field(seen, "client-ended", "exit"), model::Value(std::int64_t{1}));
  EXPECT_EQ(field(seen, "job", "role"), model::Value(std::string("caller")));
  EXPECT_FALSE(of(seen, Source::signaling, "signal", "ice-servers").empty());
  const auto probes = of(seen, Source::lab, "curl", "probe");
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(*find_field(probes[0], "exit"), model::Value(std::int64_t{127}));
  ASSERT_NE(seen.party("alice"), nullptr);
  EXPECT_EQ(seen.party("alice")->name, "curl");
  EXPECT_FALSE(seen.party("alice")->reference);
  EXPECT_EQ(std::ranges::count(seen.events, Source::measurement, &model::Event::source) > 0, true);
}

TEST_F(Runs, without_the_rule_the_same_client_gets_its_answer_over_udp) {
  scenario(R"(scenario: test/run
title: The twin
sites: {office: {egress: [{allow: {}}]}, home: {}}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{not-connected: {}}]
)");
  run("curl", "curl");
  const auto seen = attempt();
  EXPECT_GE(stun_packets(seen, "office.border", true), 1U);
  EXPECT_GE(stun_packets(seen, "office.border", false), 1U);
  EXPECT_GE(stun_packets(seen, "alice.eth0", false), 1U);
  EXPECT_EQ(field(seen, "candidate", "type", Source::client), model::Value(std::string("srflx")));
}

TEST_F(Runs, verdicts_flip_when_one_rule_is_taken_out) {
  const std::string begin = "scenario: test/run\ntitle: UDP\nsites:\n  office: {egress: [";
  const std::string end = R"({allow: {}}]}
  home: {}
clients: {alice: {site: office}, bob: {site: home}}
expect:
  - attempted: {site: office, match: {protocol: udp, ports: 3478}}
  - unanswered: {site: office, match: {protocol: udp, ports: 3478}}
)";
  scenario(begin + "{drop: {protocol: udp}}, " + end);
  const auto dropped = run("curl", "curl");
  EXPECT_EQ(dropped.status, 0) << dropped.out << dropped.err;
  EXPECT_NE(dropped.out.find("pass"), std::string::npos) << dropped.out;
  for (const char* report : {"run.json", "junit.xml", "index.html"}) {
    EXPECT_GT(std::filesystem::file_size(folder_ / "out" / report), 100U) << report;
  }
  std::filesystem::remove_all(folder_ / "out");
  scenario(begin + end);
  const auto open = run("curl", "curl");
  EXPECT_EQ(open.status, 1) << open.out << open.err;
  EXPECT_NE(open.out.find("fail"), std::string::npos) << open.out;
}

TEST_F(Runs, a_client_that_claims_what_the_packets_do_not_show_is_found_out) {
  scenario(R"(scenario: test/run
title: An open network
sites: {office: {}, home: {}}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{connected: {}}]
)");
  const std::string claims =
      "echo '{\"event\":\"hello\",\"name\":\"liar\"}'; "
      "echo '{\"event\":\"connected\",\"peer_proof\":\"guessed\"}'; exit 0";
  const auto finished = run(driver("liar", claims), driver("other-liar", claims));
  EXPECT_EQ(finished.status, 1) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("could not say the other's word"), std::string::npos) << finished.out;
}

TEST_F(Runs, two_reference_clients_take_the_parts_that_nobody_else_has) {
  scenario(R"(scenario: test/run
title: An open network
sites: {office: {}, home: {}}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{connected: {}}, {path: {client: alice, class: direct}}]
)");
  const auto finished = crypelab({"run", path("scenario.yaml"), "--out", path("out")}, 100s);
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  const auto seen = attempt();
  for (const auto& party : seen.parties) {
    EXPECT_TRUE(party.reference);
    EXPECT_EQ(party.name, "crypelab-client");
  }
}

TEST_F(Runs, keys_of_tls_connections_are_kept_unless_somebodys_own_secrets_are_there) {
  driver("tls", "curl -s --cacert /etc/ssl/certs/ca-certificates.crt https://signal.crype.test/ -o /dev/null; exit 1");
  const auto has_keys = [&](const std::string& client, const std::vector<std::string>& more) {
    std::filesystem::remove_all(folder_ / "out");
    run(client, path("quits"), more);
    return evidence::contents(folder_ / "out/test/run/attempt-1/packets.pcapng")
               .find("CLIENT_HANDSHAKE_TRAFFIC_SECRET ") != std::string::npos;
  };
  EXPECT_TRUE(has_keys(path("tls"), {}));
  std::ofstream(path("driver.yaml")) << "command: ./tls\nsecrets: {ACCOUNT: account-of-mine}\n";
  EXPECT_FALSE(has_keys(path("driver.yaml"), {}));
  EXPECT_TRUE(has_keys(path("driver.yaml"), {"--keep-tls-keys"}));
}

TEST_F(Runs, an_outcome_that_nobody_could_establish_is_inconclusive) {
  const auto finished = run(path("quits"), path("quits"), {"--no-capture"});
  EXPECT_EQ(finished.status, 2) << finished.out << finished.err;
}

// A process of that name (as the kernel cuts it) among those that this one started, however far down; -1: none.
pid_t started_here(const std::string& name) {
  std::map<pid_t, pid_t> parents;
  std::vector<pid_t> named;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "stat");
    std::string line;
    const auto number = entry.path().filename().string();
    if (number.find_first_not_of("0123456789") != std::string::npos || !std::getline(in, line)) continue;
    const auto begin = line.find('(');
    const auto end = line.rfind(") ");
    if (begin == std::string::npos || end == std::string::npos) continue;
    const pid_t process = std::stoi(number);
    parents[process] = std::stoi(line.substr(end + 4));  // after the letter of its state
    if (line.substr(begin + 1, end - begin - 1) == name) named.push_back(process);
  }
  for (const auto process : named) {
    for (auto at = parents.find(process); at != parents.end(); at = parents.find(at->second)) {
      if (at->second == getpid()) return process;
    }
  }
  return -1;
}

// The outcome of the check of that name in what `crypelab judge` makes of an attempt; empty: it is not among them.
std::string judged(const std::filesystem::path& folder, const std::string& check) {
  const auto finished = crypelab({"judge", folder, "--json"});
  boost::system::error_code error;
  const auto record = boost::json::parse(finished.out, error);
  if (error) return finished.out + finished.err;
  for (const auto& verdict : record.at("attempts").at(0).at("verdicts").as_array()) {
    if (verdict.at("check").as_string() == check) return std::string(verdict.at("outcome").as_string());
  }
  return "";
}

TEST_F(Runs, a_service_that_dies_leaves_an_inconclusive_run_with_its_last_words) {
  driver("waits", "echo '{\"event\":\"hello\",\"name\":\"waits\"}'; sleep 6; exit 1");
  Running running(arguments(path("waits"), path("waits")));
  // The driver is asked once before there are services.
  ASSERT_TRUE(running.wait_for([&] { return started_here("waits") > 0 && started_here("turnserver") > 0; }, 60s));
  const auto server = started_here("turnserver");
  ASSERT_GT(server, 0);
  ASSERT_EQ(kill(server, SIGKILL), 0);
  const auto finished = running.wait(100s);
  EXPECT_EQ(finished.status, 2) << finished.out;
  const auto saved = attempt();
  const auto death = std::ranges::find(saved.events, "service-died", &model::Event::kind);
  ASSERT_NE(death, saved.events.end());
  EXPECT_TRUE(death->where.starts_with("turn-")) << death->where;
  EXPECT_TRUE(text_field(*death, "how").starts_with("signal 9"));
  EXPECT_FALSE(text_field(*death, "words").empty());
  EXPECT_NE(finished.out.find(death->where), std::string::npos) << finished.out;
  EXPECT_EQ(judged(folder_ / "out", "services"), "inconclusive");
  EXPECT_EQ(judged(folder_ / "out", "network"), "");
}

TEST_F(Runs, a_failure_can_be_looked_at_while_it_lives) {
  scenario(R"(scenario: test/paused
title: An open network
sites: {office: {}, home: {}}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{connected: {}}]
)");
  driver("tells", R"script(
echo "{\"event\":\"hello\",\"name\":\"tells\"}"; echo "{\"event\":\"where\",\"net\":\"$(readlink /proc/self/ns/net)\"}"; exit 1)script");
  auto words = arguments(path("tells"), path("quits"));
  words.emplace_back("--pause-on-failure");
  Running running(words);
  const auto evidence = folder_ / "out/test/paused/attempt-1/evidence.json";
  ASSERT_TRUE(running.wait_for([&] { return std::filesystem::exists(evidence); }, 60s));
  // The network of the client that failed, not one more lab like it.
  const auto where = std::get<std::string>(
      field(attempt("test/paused"), "where", "net", Source::client).value_or(model::Value("nowhere")));
  ASSERT_TRUE(where.starts_with("net:[")) << where;
  Finished inside;
  EXPECT_TRUE(running.wait_for(
      [&] {
        inside =
            test::run("/bin/sh", {"-c", "echo 'echo $(hostname) is in $(readlink /proc/self/ns/net)' | " CRYPELAB_BIN
                                        "/crypelab shell " +
                                            path("scenario.yaml")});
        return inside.out.find("alice is in " + where) != std::string::npos;
      },
      20s))
      << where << "\n"
      << inside.out << inside.err;
  running.signal(SIGINT);
  EXPECT_EQ(running.wait(30s).status, 130);
}

TEST_F(Runs, a_network_that_does_not_measure_as_declared_gets_no_client) {
  lab::TrialPlan plan;
  plan.scenario = scenario::load(path("scenario.yaml")).scenarios.at(0);
  auto other = plan.scenario;
  other.sites[0].egress = {{model::Allow{}, {}}};
  plan.drawn = blueprint::draw(other);
  for (const char* client : {"alice", "bob"}) plan.drivers[client].command = {path("quits")};
  plan.folder = folder_ / "trial";
  std::filesystem::create_directory(plan.folder);
  kernel::supervise([&](kernel::Supervised& supervised) {
    lab::run_trial(plan, supervised);
    return 0;
  });
  const auto seen = evidence::read_attempt(plan.folder);
  EXPECT_TRUE(seen.complete);
  EXPECT_EQ(std::ranges::count(seen.events, "client-started", &model::Event::kind), 0);
  EXPECT_TRUE(std::ranges::any_of(seen.events, [](const auto& event) {
    const auto* agrees = find_field(event, "agrees");
    return event.source == Source::measurement && agrees != nullptr && *agrees == model::Value(false);
  }));
  std::filesystem::create_directory(plan.folder / "scenario");
  std::filesystem::copy_file(path("scenario.yaml"), plan.folder / evidence::kScenarioFile);
  EXPECT_EQ(judged(plan.folder, "network"), "inconclusive");
  EXPECT_EQ(judged(plan.folder, "services"), "");
}

TEST_F(Runs, no_secret_stands_in_any_file_of_the_evidence) {
  scenario(R"(scenario: test/run
title: Canary
sites:
  office: {egress: [{drop: {protocol: udp}}, {reject: {}}], proxy: {auth: basic, users: {alice: wonderland-of-alice}}}
  home: {}
clients:
  alice: {site: office, proxy: {mode: fixed_servers, rules: "http://proxy.office.test:3128", credentials: given, username: alice, password: wonderland-of-alice}}
  bob: {site: home}
expect: [{not-connected: {}}]
)");
  // It tells everything that it was told, on every way that it has; and backwards, which nobody masks.
  const auto seen = this->seen(R"script(
echo "$job" >&2
echo "$job"
token=$(echo "$job" | sed 's/.*"token":"\([^"]*\)".*/\1/')
credential=$(echo "$job" | sed 's/.*"credential":"\([^"]*\)".*/\1/')
echo "{\"event\":\"told\",\"token\":\"$token\",\"credential\":\"$credential\"}"
echo "{\"event\":\"backwards\",\"token\":\"$(echo $token | rev)\",\"credential\":\"$(echo $credential | rev)\"}"
proxy=http://proxy.office.test:3128
curl -s -m 5 -x $proxy -U alice:wonderland-of-alice -H "X-Canary: $token" -H "X-Other: $credential" \
  http://www.crype.test/ -o /dev/null
curl -s -m 5 -x $proxy -U alice:wonderland-of-alice --cacert /etc/ssl/certs/ca-certificates.crt \
  -H "Authorization: Bearer $token" https://signal.crype.test/v1/ice-servers -o /dev/null
exit 1
)script");
  const auto told = [&](const char* name) {
    auto value = std::get<std::string>(field(seen, "backwards", name, Source::client).value_or(""));
    std::ranges::reverse(value);
    return value;
  };
  const std::vector<std::string> secrets{"wonderland", "29uZGVybGFuZ", told("token"), told("credential")};
  ASSERT_GT(secrets[2].size(), 20U) << said_;
  ASSERT_GT(secrets[3].size(), 20U);
  EXPECT_EQ(field(seen, "told", "token", Source::client), model::Value(std::string("[secret:token-alice]")));
  EXPECT_EQ(field(seen, "told", "credential", Source::client), model::Value(std::string("[secret:turn-alice]")));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "out")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto text = evidence::contents(entry.path());
    for (const auto& secret : secrets)
      EXPECT_EQ(text.find(secret), std::string::npos) << secret << " in " << entry.path();
  }
  EXPECT_GT(files, 8U);
  // The password went to the proxy in clear text, as Basic has it, and that is said.
  const auto sightings = of(seen, Source::lab, "alice.eth0", "secret-seen");
  EXPECT_TRUE(std::ranges::any_of(
      sightings, [](const auto& event) { return text_field(event, "secret") == "office.proxy/alice"; }));
  EXPECT_TRUE(
      std::ranges::any_of(sightings, [](const auto& event) { return text_field(event, "secret") == "token-alice"; }));
}

TEST_F(Runs, a_folder_that_holds_evidence_is_never_written_to_again) {
  EXPECT_EQ(run(path("quits"), path("quits")).status, 1);
  const auto again = run(path("quits"), path("quits"));
  EXPECT_EQ(again.status, 73) << again.err;
  EXPECT_NE(again.err.find("is not empty"), std::string::npos);
}

TEST_F(Runs, what_was_saved_is_judged_again_to_the_same_verdicts_and_explained) {
  const auto finished = run("curl", "curl");
  const auto record = evidence::contents(folder_ / "out/run.json");
  const auto again = crypelab({"judge", "--json", path("out")});
  EXPECT_EQ(again.status, finished.status) << again.err;
  EXPECT_EQ(crypelab({"judge", "--json", path("out")}).out, again.out);
  const auto attempts = [](const std::string& text) {
    const auto json = boost::json::parse(text);
    return boost::json::serialize(json.at("attempts"));
  };
  EXPECT_EQ(attempts(again.out), attempts(record));
  const auto story = crypelab({"explain", path("out")});
  EXPECT_EQ(story.status, 0) << story.err;
  EXPECT_NE(story.out.find("test/run"), std::string::npos) << story.out;
  EXPECT_NE(story.out.find("office egress 1: drop"), std::string::npos) << story.out;
  // Evidence that somebody has cut short is no evidence.
  std::filesystem::resize_file(folder_ / "out/test/run/attempt-1/evidence.json", 100);
  for (const char* command : {"judge", "explain"}) EXPECT_EQ(crypelab({command, path("out")}).status, 65) << command;
}

TEST_F(Runs, what_is_interrupted_ends_in_order_and_says_that_it_is_not_complete) {
  driver("waits", "echo '{\"event\":\"hello\"}'; sleep 1000");
  Running running(arguments(path("waits"), path("waits")));
  const auto log = folder_ / "out/test/run/attempt-1/clients/alice.stdout.log";
  ASSERT_TRUE(running.wait_for([&] { return std::filesystem::exists(log); }, 30s));
  running.signal(SIGINT);
  const auto finished = running.wait(30s);
  EXPECT_EQ(finished.status, 130) << finished.out << finished.err;
  EXPECT_FALSE(attempt().complete);
  EXPECT_EQ(field(attempt(), "client-ended", "ended-by-lab"), model::Value(std::string("interrupted")));
}

TEST_F(Runs, attempts_run_side_by_side_and_each_keeps_its_evidence) {
  const auto finished = run(path("quits"), path("quits"), {"--repeat", "4", "-j", "4"});
  std::vector<std::filesystem::file_time_type> begins;  // the first and the last that an attempt writes
  std::vector<std::filesystem::file_time_type> ends;
  for (int i = 1; i <= 4; ++i) {
    const auto seen = evidence::read_attempt(folder_ / fmt::format("out/test/run/attempt-{}", i));
    EXPECT_TRUE(seen.complete) << i << finished.err;
    EXPECT_EQ(seen.number, static_cast<unsigned>(i));
    const auto folder = folder_ / fmt::format("out/test/run/attempt-{}", i);
    begins.push_back(last_write_time(folder / "scenario/scenario.yaml"));
    ends.push_back(last_write_time(folder / "evidence.json"));
  }
  EXPECT_LT(std::ranges::max(begins), std::ranges::min(ends));
}

TEST_F(Runs, the_attempts_die_with_the_command) {
  const std::string mark = "90817" + std::to_string(getpid());
  driver("waits", "echo '{\"event\":\"hello\"}'; sleep " + mark);
  Running running(arguments(path("waits"), path("waits")));
  const auto log = folder_ / "out/test/run/attempt-1/clients/bob.stdout.log";
  ASSERT_TRUE(running.wait_for([&] { return std::filesystem::exists(log); }, 30s));
  running.signal(SIGKILL);
  running.wait(5s);
  EXPECT_TRUE(running.wait_for([&] { return !runs_somewhere(mark); }, 5s));
}

}  // namespace
}  // namespace crypelab::test::run_test
