#include "running_lab.h"

#include <fmt/format.h>

// The border's look at first bytes, with real packets through the real gate.
namespace crypelab::test::gate_test {
namespace {

using model::text_field;

// alice -- office.edge (NAT, egress) -- internet -- reflector
std::string office(const std::string& rules) {
  return fmt::format(R"(
scenario: test/gate
title: A border that looks at first bytes
sites:
  office:
    subnet: [10.20.0.0/24, "2001:db8:20::/64"]
    nat: {{}}
    egress:
{}
clients:
  alice: {{site: office}}
)",
                     rules);
}

constexpr const char* kFarSide = "198.51.100.90";
constexpr const char* kFarSide6 = "2001:db8:100::90";

blueprint::Blueprint plan_of(const std::string& rules, const std::string& task = "serve") {
  auto plan = draw(office(rules));
  plan.processes.push_back(listener("reflector", 443, task));
  return plan;
}

std::string say(RunningLab& lab, const std::string& what, const std::string& segment = "0",
                const std::string& to = kFarSide) {
  return lab.run("alice", probe({"say", to, "443", what, segment})).text;
}

TEST(Gate, tls_passes_in_any_segmentation_and_size) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n        otherwise: reset"), [](RunningLab& lab) {
    for (const char* what : {"hello", "hello-tls12", "hello-2k", "hello-6k", "hello-records", "hello-no-name"}) {
      for (const char* segment : {"0", "1", "100", "700"}) {
        EXPECT_EQ(say(lab, what, segment), "reply") << what << " in segments of " << segment;
      }
      EXPECT_EQ(say(lab, what, "100", kFarSide6), "reply") << what << " over IPv6";
    }
    for (const auto& event : lab.events("decision", 30))
      EXPECT_EQ(text_field(event, "verdict"), "pass") << text_field(event, "reason");
    EXPECT_EQ(lab.count("office.edge", "egress_1_stopped_out"), 0U);
  });
}

TEST(Gate, whatever_is_not_tls_is_reset_at_both_sides) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n        otherwise: reset"), [](RunningLab& lab) {
    std::size_t connections = 0;
    for (const char* what : {"http", "stun", "ssh", "junk", "forged", "hello-20k"}) {
      for (const char* segment : {"0", "1", "100"}) {
        for (const char* to : {kFarSide, kFarSide6}) {
          EXPECT_EQ(say(lab, what, segment, to), "reset") << what << " in segments of " << segment << " to " << to;
          ++connections;
        }
      }
    }
    const auto heard = lab.events("connection", connections);
    ASSERT_EQ(heard.size(), connections) << "a server was left waiting";
    for (const auto& event : heard) EXPECT_EQ(text_field(event, "end"), "rst");
    EXPECT_GE(lab.count("office.edge", "egress_1_stopped_out"), connections);
  });
}

TEST(Gate, no_byte_that_is_not_a_beginning_of_tls_gets_out) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n        otherwise: reset"), [](RunningLab& lab) {
    for (const char* what : {"http", "ssh"}) {
      EXPECT_EQ(say(lab, what), "reset");
      EXPECT_EQ(say(lab, what, "1"), "reset");
    }
    EXPECT_EQ(say(lab, "forged", "1"), "reset");
    const auto heard = lab.events("connection", 5);
    ASSERT_EQ(heard.size(), 5U);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(text_field(heard[i], "hex"), "");
    // The forged hello is one as far as its header goes, and not a byte further than a hello could be.
    EXPECT_LT(std::get<std::int64_t>(*model::find_field(heard[4], "bytes")), 200);
  });
}

TEST(Gate, otherwise_drop_is_silence_at_both_sides) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}"), [](RunningLab& lab) {
    EXPECT_EQ(say(lab, "http"), "silence");
    EXPECT_EQ(say(lab, "stun", "1"), "silence");
    EXPECT_EQ(say(lab, "hello"), "reply");
    const auto decisions = lab.events("decision", 3);
    ASSERT_EQ(decisions.size(), 3U);
    EXPECT_EQ(text_field(decisions[0], "verdict"), "drop");
    EXPECT_EQ(text_field(decisions[0], "rule"), "office/egress_1");
    EXPECT_EQ(text_field(decisions[0], "looks-like"), "HTTP");
    EXPECT_EQ(text_field(decisions[0], "server"), "198.51.100.90:443");
    EXPECT_EQ(text_field(decisions[2], "verdict"), "pass");
    EXPECT_EQ(text_field(decisions[2], "sni"), "turns.crype.test");
  });
}

TEST(Gate, server_names_are_held_against_the_list) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n"
                           "        sni: [turns.crype.test, \"*.example.com\"]\n        otherwise: reset"),
                   [](RunningLab& lab) {
                     EXPECT_EQ(say(lab, "hello", "1"), "reply");
                     EXPECT_EQ(say(lab, "hello-below"), "reply");
                     EXPECT_EQ(say(lab, "hello-other-name", "100"), "reset");
                     EXPECT_EQ(say(lab, "hello-no-name"), "reset");
                     const auto decisions = lab.events("decision", 4);
                     ASSERT_EQ(decisions.size(), 4U);
                     EXPECT_EQ(text_field(decisions[2], "reason"), "server name www.other.test is not on the list");
                   });
}

TEST(Gate, a_server_name_can_be_required) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n        sni: required\n        otherwise: reset"),
                   [](RunningLab& lab) {
                     EXPECT_EQ(say(lab, "hello-other-name"), "reply");
                     EXPECT_EQ(say(lab, "hello-no-name"), "reset");
                   });
}

TEST(Gate, application_protocols_are_held_against_the_list) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n        alpn: [h2, http/1.1]\n        otherwise: reset"),
                   [](RunningLab& lab) {
                     EXPECT_EQ(say(lab, "hello-web"), "reply");
                     EXPECT_EQ(say(lab, "hello"), "reply");
                     EXPECT_EQ(say(lab, "hello-turn"), "reset");
                   });
}

TEST(Gate, http_alone_or_the_web_can_be_what_passes) {
  in_a_running_lab(plan_of("      - http-only: {ports: 443}\n        otherwise: reset"), [](RunningLab& lab) {
    EXPECT_EQ(say(lab, "http", "1"), "reply");
    EXPECT_EQ(say(lab, "hello"), "reset");
  });
  in_a_running_lab(plan_of("      - web-only: {ports: 443}\n        otherwise: reset"), [](RunningLab& lab) {
    EXPECT_EQ(say(lab, "http", "1"), "reply");
    EXPECT_EQ(say(lab, "hello", "1"), "reply");
    EXPECT_EQ(say(lab, "stun"), "reset");
    EXPECT_EQ(say(lab, "ssh"), "reset");
  });
}

TEST(Gate, what_is_refused_may_pass_for_a_while_first) {
  in_a_running_lab(plan_of("      - web-only: {ports: 443}\n        after: 2kB", "converse"), [](RunningLab& lab) {
    EXPECT_EQ(say(lab, "stun"), "reply");
    EXPECT_EQ(lab.run("alice", probe({"talk", kFarSide, "443", "stun", "200"})).text, "silence");
    EXPECT_EQ(lab.run("alice", probe({"talk", kFarSide, "443", "hello", "200"})).text, "reply");
    const auto heard = lab.events("connection", 2);
    ASSERT_EQ(heard.size(), 2U);
  });
}

TEST(Gate, a_server_that_speaks_first_is_not_heard) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}\n        otherwise: reset", "greet"), [](RunningLab& lab) {
    EXPECT_EQ(lab.run("alice", probe({"listen", kFarSide, "443"})).text, "reset");
    EXPECT_EQ(lab.run("alice", probe({"listen", kFarSide6, "443"})).text, "reset");
    const auto heard = lab.events("connection", 2);
    ASSERT_EQ(heard.size(), 2U);
    for (const auto& event : heard) EXPECT_EQ(text_field(event, "end"), "rst");
  });
}

TEST(Gate, a_gate_that_died_lets_nothing_through) {
  auto plan = plan_of("      - tls-only: {ports: 443}\n      - allow: {}");
  for (auto& process : plan.processes) {
    if (process.name == "office.gate") {
      process.argv = {"/bin/sh", "-c", "echo '{\"event\":\"ready\"}'; exec sleep 600"};
    }
  }
  in_a_running_lab(plan, [](RunningLab& lab) { EXPECT_EQ(say(lab, "hello"), "silence"); });
}

TEST(Gate, thousands_of_half_hellos_do_not_keep_another_one_out) {
  in_a_running_lab(plan_of("      - tls-only: {ports: 443}"), [](RunningLab& lab) {
    EXPECT_EQ(lab.run("alice", probe({"flood", kFarSide, "443", "3000"})).text, "3000 open, then reply");
  });
}

TEST(Gate, works_for_an_ordinary_user) {
  in_a_running_lab(
      plan_of("      - tls-only: {ports: 443}\n        otherwise: reset"),
      [](RunningLab& lab) {
        EXPECT_EQ(say(lab, "hello", "100"), "reply");
        EXPECT_EQ(say(lab, "stun", "0", kFarSide6), "reset");
        EXPECT_EQ(say(lab, "stun"), "reset");
      },
      kernel::testing::Caller::user);
}

TEST(Gate, stun_over_udp_is_known_by_its_cookie) {
  auto plan = draw(office("      - drop: {protocol: udp, payload: stun}\n      - allow: {}"));
  plan.processes.push_back(listener("reflector", 3478, "echo", kFarSide));
  plan.processes.push_back(listener("reflector", 3478, "echo", kFarSide6));
  in_a_running_lab(plan, [](RunningLab& lab) {
    EXPECT_EQ(lab.run("alice", probe({"datagram", kFarSide, "3478", "stun"})).text, "silence");
    EXPECT_EQ(lab.run("alice", probe({"datagram", kFarSide6, "3478", "stun"})).text, "silence");
    EXPECT_EQ(lab.run("alice", probe({"datagram", kFarSide, "3478", "junk"})).text, "reply");
    EXPECT_EQ(lab.run("alice", probe({"datagram", kFarSide6, "3478", "junk"})).text, "reply");
    EXPECT_EQ(lab.count("office.edge", "egress_1_out"), 2U);
  });
}

}  // namespace
}  // namespace crypelab::test::gate_test
