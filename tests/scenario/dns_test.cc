#include "command.h"

#include <gtest/gtest.h>

namespace crypelab::test::dns_test {
namespace {

// Asks the host's resolver once and prints what came: "CODE COUNT MILLISECONDS", or "silence MILLISECONDS".
constexpr const char* kAsk = R"py(
import socket, struct, sys, time
transport, name, kind, patience = sys.argv[1:5]
server = [line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")][0]
family = socket.AF_INET6 if ":" in server else socket.AF_INET
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
question = struct.pack("!HHHHHH", 77, 0x100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, {"A": 1, "AAAA": 28}[kind], 1)
begin = time.monotonic()
asking = socket.socket(family, socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
asking.settimeout(float(patience))
asking.connect((server, 53))
try:
    if transport == "tcp":
        asking.sendall(struct.pack("!H", len(question)) + question)
        stream = asking.makefile("rb")
        answer = stream.read(struct.unpack("!H", stream.read(2))[0])
    else:
        asking.send(question)
        answer = asking.recv(65535)
    number, flags, _, count = struct.unpack("!HHHH", answer[:8])
    assert number == 77
    words = "%d %d" % (flags & 15, count)
except TimeoutError:
    words = "silence"
print(words, int((time.monotonic() - begin) * 1000))
)py";

std::string site(const std::string& dns) {
  return "scenario: test/dns\ntitle: A resolver\nproves: nothing by itself\nsites:\n  office: {subnet: [10.9.0.0/24, "
         "\"2001:db8:9::/64\"]" +
         (dns.empty() ? "" : ", dns: " + dns) + "}\nclients:\n  alice: {site: office}\n  bob: {site: office}\n";
}

struct Answer {
  std::string words;  // "0 1", "2 0", "silence"
  int milliseconds = 0;
};

Answer ask(const ScenarioFile& scenario, const std::string& transport, const std::string& name, const std::string& type,
           const std::string& patience = "5") {
  const auto finished =
      crypelab({"exec", scenario.path(), "--", "/usr/bin/python3", "-c", kAsk, transport, name, type, patience});
  EXPECT_EQ(finished.status, 0) << finished.err;
  const auto space = finished.out.rfind(' ');
  if (space == std::string::npos) return {};
  return {finished.out.substr(0, space), std::stoi(finished.out.substr(space))};
}

constexpr const char* kName = "turn.crype.test";

TEST(Dns, a_resolver_without_faults_answers_over_both_transports) {
  const ScenarioFile scenario(site(""));
  for (const char* transport : {"udp", "tcp"}) {
    EXPECT_EQ(ask(scenario, transport, kName, "A").words, "0 1") << transport;
    EXPECT_EQ(ask(scenario, transport, kName, "AAAA").words, "0 1") << transport;
  }
}

TEST(Dns, a_resolver_that_fails_says_servfail) {
  const ScenarioFile scenario(site("servfail"));
  for (const char* transport : {"udp", "tcp"}) {
    EXPECT_EQ(ask(scenario, transport, kName, "A").words, "2 0") << transport;
    EXPECT_EQ(ask(scenario, transport, kName, "AAAA").words, "2 0") << transport;
  }
}

TEST(Dns, a_slow_resolver_takes_its_time_and_answers) {
  const ScenarioFile scenario(site("{delay: 600ms}"));
  for (const char* transport : {"udp", "tcp"}) {
    const auto answer = ask(scenario, transport, kName, "A");
    EXPECT_EQ(answer.words, "0 1") << transport;
    EXPECT_GE(answer.milliseconds, 600) << transport;
  }
  const ScenarioFile twin(site(""));
  EXPECT_LT(ask(twin, "udp", kName, "A").milliseconds, 600);
}

TEST(Dns, aaaa_questions_go_wrong_alone) {
  for (const auto& [word, expected] : {std::pair{"servfail", "2 0"}, std::pair{"nxdomain", "3 0"}}) {
    const ScenarioFile scenario(site(std::string("{aaaa: ") + word + "}"));
    for (const char* transport : {"udp", "tcp"}) {
      EXPECT_EQ(ask(scenario, transport, kName, "AAAA").words, expected) << transport;
      EXPECT_EQ(ask(scenario, transport, kName, "A").words, "0 1") << transport;
    }
  }
  const ScenarioFile silent(site("{aaaa: silent}"));
  for (const char* transport : {"udp", "tcp"}) {
    EXPECT_EQ(ask(silent, transport, kName, "AAAA", "0.5").words, "silence") << transport;
    EXPECT_EQ(ask(silent, transport, kName, "A").words, "0 1") << transport;
  }
}

TEST(Dns, an_internal_resolver_knows_the_sites_own_names_and_no_others) {
  const ScenarioFile scenario(site("internal-only"));
  for (const char* name : {"alice.office.test", "bob.office.test", "edge.office.test"}) {
    EXPECT_EQ(ask(scenario, "udp", name, "A").words, "0 1") << name;
    EXPECT_EQ(ask(scenario, "udp", name, "AAAA").words, "0 1") << name;
  }
  EXPECT_EQ(ask(scenario, "udp", kName, "A").words, "3 0");
  EXPECT_EQ(ask(scenario, "udp", "carol.office.test", "A").words, "3 0");
}

TEST(Dns, names_of_the_site_resolve_beside_those_of_the_world) {
  const ScenarioFile scenario(site(""));
  const auto found = crypelab({"exec", scenario.path(), "--", "getent", "ahostsv4", "bob.office.test"});
  EXPECT_NE(found.out.find("10.9.0.11"), std::string::npos) << found.out << found.err;
}

TEST(Dns, a_dead_uplink_does_not_keep_a_lab_from_coming_up) {
  const ScenarioFile scenario(R"(
scenario: test/dead-uplink
title: Nothing gets through
proves: nothing by itself
sites:
  office: {uplink: {loss: 100%}}
clients:
  alice: {site: office}
)");
  const auto up = crypelab({"exec", scenario.path(), "--", "true"});
  EXPECT_EQ(up.status, 0) << up.err;
}

class Measured : public testing::TestWithParam<const char*> {};

TEST_P(Measured, agrees_with_what_the_scenario_declares) {
  const auto measured = crypelab({"measure", "--quick", GetParam()});
  EXPECT_EQ(measured.status, 0) << measured.out << measured.err;
}

INSTANTIATE_TEST_SUITE_P(Dns, Measured,
                         testing::Values("dns/s69-slow", "dns/servfail", "dns/aaaa-broken/silent",
                                         "dns/aaaa-broken/servfail", "dns/aaaa-broken/nxdomain",
                                         "dns/s43-internal-only/internal-only", "dns/s43-internal-only/twin-normal"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) c = (c == '/' || c == '-') ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace crypelab::test::dns_test
