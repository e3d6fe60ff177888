#include "harness/judge/findings.h"
#include "harness/judge/requirements.h"
#include "harness/model/expectation.h"
#include "tests/scenario/command.h"
#include "tests/unit/evidence/temporary_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

// No check without the misbehaviour that it catches: each expectation, requirement and finding of the judge is tripped
// in a live call by a client that breaks exactly this rule, and the same call without it trips nothing.
namespace crypelab::test::judge_test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// In `body` '@' is where the misbehaviour stands: alice's, who calls.
struct Row {
  const char* check;
  const char* misbehaviour;  // of the reference client, by its name; or what the driver does, in words
  std::string body;
  std::set<std::string> also = {};  // what breaks with it, always: there is no other way to break it
  const char* driver = nullptr;     // commands of a shell, with $client for the reference client and $job for its job
  bool both = false;                // the driver is bob's, too
};

std::string call(const std::string& office, const std::string& alice, const std::string& more = "",
                 const std::string& expect = "[{connected: {}}]") {
  return fmt::format(
      "sites: {{office: {{{}}}, home: {{}}}}\nclients: {{alice: {{site: office{}@}}, bob: {{site: home, turn: "
      "none}}}}\n"
      "expect: {}\n{}\n",
      office, alice, expect, more);
}

const std::string kDirect = call("", "");
const std::string kRelayUdp = call("", ", policy: relay");
const std::string kRelayTcp = call("", ", policy: relay, turn: [tcp]", "work: [{echo: {size: 121}}]");
const std::string kAudio = call("", "", "work: [{hold: {time: 3s, traffic: audio}}]");
// Slow enough for every packet to be kept whole.
const std::string kMeasured = call("uplink: {rate: 20mbit}", "", "work: [{throughput: {time: 1s}}]",
                                   "[{connected: {}}, {throughput: {at-least: 10kbit}}]");
// Both clients sit in two networks, each with both families: enough pairs for checks to be paced.
constexpr const char* kManyPairs = R"(sites:
  east: {subnet: [10.20.0.0/24, "2001:db8:20::/64"], nat: {}}
  west: {subnet: [10.30.0.0/24, "2001:db8:30::/64"], nat: {}}
clients: {alice: {sites: [east, west]@}, bob: {sites: [east, west], turn: none}}
expect: [{connected: {}}]
)";
// From the sixteenth second on no STUN of bob's arrives, and there is no other way to him. Both misbehave: to who goes
// on alone nobody acknowledges anything, and soon it has nothing to send.
constexpr const char* kNoConsent = R"(sites: {office: {}, home: {nat: {}}}
clients: {alice: {site: office, turn: none@}, bob: {site: home, turn: none@}}
work: [{hold: {time: 50s, traffic: audio, max-gap: 50s}}]
expect: [{connected: {}}]
steps:
  - at: 16s
    site: home
    egress:
      - drop: {protocol: udp, payload: stun}
      - allow: {protocol: udp}
      - allow: {protocol: tcp, ports: 443}
)";
constexpr const char* kLogin = ", app: desktop, proxy: {mode: fixed_servers, rules: \"http://proxy.office.test:3128\"";

// The only way out is a proxy.
std::string proxied(const std::string& proxy, const std::string& login = "}",
                    const std::string& expect = "[{connected: {}}]") {
  return call("egress: [{reject: {}}], proxy: {" + proxy + "}", kLogin + login, "", expect);
}
// Both TURN servers refuse every allocation, and the client goes on asking for as long as its work would take.
std::string refused(const std::string& rule, const std::string& work = "1s") {
  return call(
      "", ", policy: relay",
      "turn-a: {script: [" + rule + "]}\nturn-b: {script: [" + rule + "]}\nwork: [{hold: {time: " + work + "}}]",
      "[{attempted: {site: office, match: udp}}]");
}
// Allocations are soon to be refreshed.
std::string soon_over() {
  return call("", ", policy: relay",
              "turn-a: {script: [{on: any, lifetime: 15s}]}\nturn-b: {state: stopped}\n"
              "work: [{hold: {time: 25s, traffic: audio}}]");
}
// The first TURN server answers by a script, the second one as it should.
std::string scripted(const std::string& rules, const std::string& settings = "", const std::string& work = "6s") {
  return call("", ", policy: relay" + settings,
              "turn-a: {script: [" + rules + "]}\nwork: [{hold: {time: " + work + ", traffic: audio}}]");
}

std::vector<Row> rows() {
  const std::string given = ", username: alice, password: wonderland}";
  const std::string wrong = ", username: alice, password: looking-glass}";
  const std::string basic = "auth: basic, users: {alice: wonderland}";
  auto no_relay = call("egress: [{drop: {protocol: udp}}, {drop: {protocol: tcp, ports: 3478}}, {allow: {}}]", "", "",
                       "[{unanswered: {site: office, match: {protocol: tcp, ports: 3478}}}]");
  no_relay.replace(no_relay.find("home: {}"), 8, "home: {nat: {}}");
  return {
      {"connected", "W-11", proxied(basic, given)},
      {"not-connected",
       "T-01",
       call("", ", policy: relay, turn: [tls]", "turn: {certificate: untrusted}", "[{not-connected: {}}]"),
       {"T-01"}},
      {"path", "U-03", call("", ", policy: relay", "", "[{path: {client: alice, class: relay-udp}}]")},
      {"attempted", "W-04",
       call("egress: [{tls-only: {ports: 443}}]", "", "",
            "[{attempted: {site: office, match: {protocol: tcp, domains: turns.crype.test}}}]")},
      {"unanswered", "W-02", no_relay},
      {"allocations", "U-14", call("", ", policy: relay", "", "[{allocations: {}}]"), {"U-14"}},
      {"stays-connected",
       "U-05",
       call("", ", policy: relay",
            "turn-a: {script: [{on: any, lifetime: 15s}]}\nturn-b: {script: [{on: any, lifetime: 15s}]}\n"
            "work: [{hold: {time: 30s, traffic: audio, max-gap: 30s}}]",
            "[{stays-connected: {for: 25s, gap: 5s}}]"),
       {"U-05"}},
      {"no-bypass", "no-bypass",
       call("proxy: {}", std::string(kLogin) + "}, non-proxied-udp: false", "", "[{no-bypass: {site: office}}]")},
      {"reports", "unclear-error", proxied(basic, wrong, "[{reports: {client: alice, code: PROXY_AUTH_FAILED}}]")},
      {"tunnels", "no-bypass",
       call("proxy: {}", std::string(kLogin) + "}, non-proxied-udp: false", "",
            "[{tunnels: {site: office, at-least: 2}}]")},
      {"claims-connected", "claims-connected", kDirect},
      {"echo",
       "says that fewer came back",
       call("", "", "", "[{echo: {lost: 0%}}]"),
       {},
       "echo \"$job\" | $client | sed -u 's/\"received\":20/\"received\":7/'"},
      {"throughput",
       "says nothing of what it measured",
       kMeasured,
       {},
       "echo \"$job\" | $client | sed -u 's/\"event\":\"throughput\"/\"event\":\"other\"/'"},
      {"claims-path",
       "says that its relay is its own address",
       kRelayUdp,
       {},
       "echo \"$job\" | $client | sed -u 's/\"candidateType\":\"relay\"/\"candidateType\":\"host\"/'"},
      {"claims-throughput",
       "says ten times as many bytes",
       kMeasured,
       {},
       "echo \"$job\" | $client | sed -u 's/\"bytes\":\\([0-9]*\\)/\"bytes\":\\10/'"},
      {"contract", "writes a line that is no JSON", kDirect, {}, "echo garbage; echo \"$job\" | $client"},
      {"secrets",
       "tells its token",
       kDirect,
       {},
       "echo \"$job\" | $client; echo \"$job\" | sed "
       "'s/.*\"token\":\"\\([^\"]*\\)\".*/{\"event\":\"debug\",\"word\":\"\\1\"}/'"},
      {"supported", "ends with 127", kDirect, {"connected"}, "echo '{\"event\":\"hello\"}'; exit 127"},
      {"client-crashed", "is ended by a signal", kDirect, {}, "echo \"$job\" | $client; kill -SEGV $$"},
      {"client-ended", "does not end", kDirect, {"connected"}, "echo '{\"event\":\"hello\"}'; sleep 1000", true},
      {"client-started", "cannot be executed", kDirect, {"connected", "contract"}, "no program at all"},
      {"W-10", "W-10", proxied("")},
      {"P-01", "P-01", proxied("")},
      {"P-02", "P-02", proxied(""), {"connected"}},
      {"P-05", "P-05", call("proxy: {deny: \"*.crype.test\"}", kLogin + std::string("}"), "", "[{not-connected: {}}]")},
      {"P-07", "P-07", proxied("auth: [digest, basic], users: {alice: wonderland}", given)},
      {"P-22", "P-22", proxied(""), {"connected"}},
      {"P-24", "P-24", proxied(basic, wrong, "[{not-connected: {}}]")},
      {"S-08", "S-08", refused("{on: allocate, answer: 500}", "25s")},
      {"S-09", "S-09", refused("{on: allocate, answer: 401}")},
      {"S-10", "S-10", refused("{on: allocate, answer: 438}")},
      {"U-09", "U-09", refused("{on: allocate, answer: 437}")},
      {"U-11", "U-11", refused("{on: allocate, answer: 486}")},
      {"T-01", "T-01", call("", ", turn: [tls]", "turn: {certificate: untrusted}")},
      {"T-05", "T-05", call("", ", turn: [tls]")},
      {"T-06", "T-06", call("", ", turn: [tls]")},
      {"S-01", "S-01", call("egress: [{drop: {protocol: udp}}, {allow: {}}]", "")},
      {"S-02", "S-02", scripted("{on: allocate, delay: 3s}", ", turn: [tcp]")},
      {"U-05", "U-05", soon_over()},
      {"U-14", "U-14", call("", ", policy: relay", "", "[{allocations: {}}]"), {"allocations"}},
      {"U-17", "U-17", soon_over()},
      {"U-01", "U-01", kRelayUdp, {"connected"}},
      {"U-02", "U-02", kRelayUdp, {"connected"}},
      {"U-19", "U-19", kRelayUdp, {"connected"}},
      {"U-22", "U-22", kRelayUdp, {"connected"}},
      {"U-24", "U-24", kRelayTcp, {"connected"}},
      {"I-08", "I-08", kDirect, {"connected"}},
      {"I-10", "I-10", kDirect, {"connected"}},
      {"I-15", "I-15", kAudio},
      {"I-19", "I-19", kManyPairs},
      {"I-23", "I-23", kNoConsent},
      {"I-24", "I-24", call("", "", "work: [{hold: {time: 25s, traffic: audio, max-gap: 25s}}]")},
  };
}

// Those that no client trips: what does, and the live test that does it.
const std::map<std::string, std::string, std::less<>> kOfTheLab{
    {"services", "a TURN server is killed (Runs.a_service_that_dies_leaves_an_inconclusive_run_with_its_last_words)"},
    {"network", "rules lie that are not declared (Runs.a_network_that_does_not_measure_as_declared_gets_no_client)"},
};
// Which misbehaviour cannot be had in a test, and why (README.md, Limitations).
const std::map<std::string, std::string, std::less<>> kNotHad{
    {"U-13", "600 s would have to pass; the same lines judge U-05, of a lifetime that is shorter"},
};

constexpr std::array<const char*, 12> kExpectations{"connected",  "not-connected", "path",       "stays-connected",
                                                    "no-bypass",  "attempted",     "unanswered", "echo",
                                                    "throughput", "reports",       "tunnels",    "allocations"};
static_assert(std::variant_size_v<decltype(model::Expectation::what)> == kExpectations.size());

std::set<std::string> all_checks() {
  std::set<std::string> all(kExpectations.begin(), kExpectations.end());
  for (const auto& rule : judge::requirements()) all.emplace(rule.id);
  for (const auto name : judge::findings()) all.emplace(name);
  return all;
}

TEST(Checks, each_has_a_misbehaviour_or_a_reason_why_not) {
  std::set<std::string> had;
  for (const auto& row : rows()) {
    auto with = fmt::format("{}", fmt::join(row.also, ", "));
    std::cout << fmt::format("{:<18} {}{}\n", row.check, row.misbehaviour,
                             with.empty() ? "" : " (with it: " + with + ")");
    EXPECT_TRUE(had.insert(row.check).second) << row.check;
  }
  const auto runs = evidence::contents(CRYPELAB_SOURCE "/tests/scenario/run_test.cc");
  for (const auto& [check, how] : kOfTheLab) {
    std::cout << fmt::format("{:<18} {}\n", check, how);
    EXPECT_TRUE(had.insert(check).second) << check;
    EXPECT_NE(runs.find(fmt::format("\"{}\"), \"inconclusive\"", check)), std::string::npos) << check;
  }
  const auto readme = evidence::contents(CRYPELAB_SOURCE "/README.md");
  for (const auto& [check, why] : kNotHad) {
    std::cout << fmt::format("{:<18} none: {}\n", check, why);
    EXPECT_TRUE(had.insert(check).second) << check;
    EXPECT_NE(readme.find("`" + check + "`"), std::string::npos) << check << " is not among README's limitations";
  }
  EXPECT_EQ(had, all_checks());
}

// The checks of each scenario that do not pass, or are told for information.
using Found = std::map<std::string, std::map<std::string, std::string>>;

// Names of scenarios have small letters.
std::string small(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}
// What takes long comes first in the order of names, in which calls begin.
std::string named(const char* what, const Row& row) {
  const bool is_long = row.body.find("hold") != std::string::npos || std::string_view(row.check) == "client-ended";
  return fmt::format("{}/{}-{}", is_long ? "long" : "short", what, small(row.check));
}

void replace(std::string& body, const std::string& what, const std::string& by) {
  const auto at = body.find(what);
  if (at != std::string::npos) body.replace(at, what.size(), by);
}
void replace_all(std::string& body, const std::string& what, const std::string& by) {
  while (body.find(what) != std::string::npos) replace(body, what, by);
}

// How the clients of most rows are driven: who cannot connect need not try for longer than what is looked at takes.
constexpr const char* kPatient =
    "time=$(echo \"$job\" | sed 's/.*\"deadline\":\\([0-9]*\\).*/\\1/')\n"
    "echo \"$job\" | sed \"s/\\\"deadline\\\":$time/\\\"deadline\\\":$((time - 45000))/\" | $client";

// The scenarios of all rows, with and without what is broken, and their run.
class Table {
 public:
  explicit Table(const std::vector<Row>& rows) {
    fs::permissions(folder_, fs::perms(0755));
    fs::create_directories(folder_ / "scenarios");
    put_driver("alice", kPatient);
    drive("alice", "alice");
    for (const auto& row : rows) {
      auto body = row.body;
      replace_all(body, "@", "");
      if (!kept_.contains(row.body)) put(kept_[row.body] = named("kept", row), body);
      body = row.body;
      replace_all(body, "@", row.driver == nullptr ? std::string(", misbehave: ") + row.misbehaviour : "");
      if (row.driver != nullptr) {
        put_driver(row.check, row.driver);
        replace(body, "alice", row.check);  // a driver is chosen by the client's name
        drive(row.check, row.check);
        if (row.both) {
          const auto other = fmt::format("{}-too", row.check);
          replace(body, "bob", other);
          drive(other, row.check);
        }
      }
      put(named("broken", row), body);
    }
  }

  const std::string& kept(const Row& row) const { return kept_.at(row.body); }

  Found run() const {
    std::vector<std::string> words{"run",   (folder_ / "scenarios").string(), "-j", "16",
                                   "--out", (folder_ / "out").string()};
    words.insert(words.end(), drivers_.begin(), drivers_.end());
    const auto finished = crypelab(words, 240s);
    boost::system::error_code error;
    const auto record = boost::json::parse(evidence::contents(folder_ / "out" / "run.json"), error);
    if (error) {
      ADD_FAILURE() << finished.status << finished.out << finished.err;
      return {};
    }
    Found found;
    for (const auto& judgement : record.at("attempts").as_array()) {
      auto& checks = found[judgement.at("scenario").as_string().c_str()];
      for (const auto& verdict : judgement.at("verdicts").as_array()) {
        const std::string check = verdict.at("check").as_string().c_str();
        const bool told = verdict.at("reason").as_string().starts_with("for information");
        const std::string client =
            verdict.as_object().contains("client") ? verdict.at("client").as_string().c_str() : "";
        if (told ? client != "alice" : verdict.at("outcome").as_string() == "pass") continue;
        checks[check] = fmt::format("{}: {} {}", verdict.at("outcome").as_string().c_str(), client,
                                    verdict.at("reason").as_string().c_str());
      }
    }
    return found;
  }

 private:
  void put(const std::string& name, const std::string& body) const {
    auto file = name;
    std::ranges::replace(file, '/', '-');
    std::ofstream(folder_ / "scenarios" / (file + ".yaml")) << "scenario: " << name << "\ntitle: " << name << "\n"
                                                            << body;
  }
  void put_driver(const std::string& name, std::string_view commands) const {
    const auto folder = folder_ / name;
    fs::create_directories(folder);
    const auto client = folder / "crypelab-client";
    fs::copy_file(std::string(CRYPELAB_BIN) + "/crypelab-client", client);
    const auto script = folder / "driver";
    std::ofstream(script) << "#!/bin/sh\nclient=" << client.string()
                          << "\njob=$(cat)\ncase \"$job\" in *'\"task\":\"call\"'*) ;; *) "
                          << "exit 127 ;; esac\n"
                          << commands << "\n";
    if (commands != "no program at all") fs::permissions(script, fs::perms(0755));
  }
  void drive(const std::string& client, const std::string& driver) {
    drivers_.insert(drivers_.end(), {"--client", fmt::format("{}={}", client, (folder_ / driver / "driver").string())});
  }

  const evidence::TemporaryFolder own_;
  const fs::path folder_ = own_.path();
  std::map<std::string, std::string> kept_;  // body -> scenario: many share one
  std::vector<std::string> drivers_;
};

TEST(Checks, each_is_tripped_by_its_misbehaviour_and_by_no_other) {
  const auto all = rows();
  const Table table(all);
  const auto found = table.run();
  for (const auto& row : all) {
    const auto good = found.find(table.kept(row));
    const auto bad = found.find(named("broken", row));
    if (good == found.end() || bad == found.end()) {
      ADD_FAILURE() << row.check << " has not been run";
      continue;
    }
    for (const auto& [check, reason] : good->second) {
      ADD_FAILURE() << table.kept(row) << ", where nothing is broken: " << check << ": " << reason;
    }
    auto expected = row.also;
    expected.insert(row.check);
    for (const auto& check : expected) {
      EXPECT_TRUE(bad->second.contains(check))
          << row.check << ": " << check << " was not tripped by " << row.misbehaviour;
    }
    for (const auto& [check, reason] : bad->second) {
      EXPECT_TRUE(expected.contains(check))
          << row.check << ": " << row.misbehaviour << " tripped " << check << ": " << reason;
    }
  }
}

}  // namespace
}  // namespace crypelab::test::judge_test
