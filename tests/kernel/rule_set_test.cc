#include "harness/kernel/rule_set.h"

#include "datagram.h"
#include "harness/base/error.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/rule_counters.h"
#include "own_network.h"

#include <chrono>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace crypelab::kernel::rule_set_test {
namespace {

const RuleTable kTable{"inet", "lab"};
const RuleTable kOther{"inet", "other"};

const char* const kCounting = R"(table inet lab {
  counter first {}
  counter second {}
  set open { type inet_service; }
  chain input {
    type filter hook input priority 0; policy accept;
    udp dport 1001 counter name first accept
    udp dport 1002 counter name second drop
    udp dport @open accept
    udp dport 1003 drop
  }
}
)";

std::string words_of(const NetworkNamespace& space, const std::string& text) {
  try {
    load_rules(space, text, {kTable});
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "accepted";
}

TEST_F(rule_set, counters_count_exactly_in_both_families) {
  const NetworkNamespace space;
  RuleCounters counters(space, kTable);
  EXPECT_TRUE(counters.read().empty());
  load_rules(space, kCounting, {kTable});
  EXPECT_EQ(counters.read().at("first"), RuleCount{});

  const Datagrams sender4(space, "127.0.0.1:1000");
  const Datagrams sender6(space, "[::1]:1000");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sender4.send("127.0.0.1:1002", std::string(100, 'x')));
  EXPECT_EQ(counters.read().at("second"), (RuleCount{5, 5 * (20 + 8 + 100)}));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(sender6.send("[::1]:1002", std::string(100, 'x')));
  EXPECT_EQ(counters.read().at("second"), (RuleCount{7, 5 * (20 + 8 + 100) + 2 * (40 + 8 + 100)}));
  EXPECT_EQ(counters.read().at("first"), RuleCount{});
  EXPECT_EQ(counters.read().size(), 2U);
}

TEST_F(rule_set, counters_of_other_tables_are_not_read) {
  const NetworkNamespace space;
  load_rules(space, kCounting, {kTable});
  load_rules(space, "table inet other { counter stranger {}; }\n", {kOther});
  EXPECT_EQ(RuleCounters(space, kTable).read().size(), 2U);
  EXPECT_EQ(RuleCounters(space, kOther).read().count("stranger"), 1U);
}

TEST_F(rule_set, a_rule_set_the_kernel_refuses_names_the_rule) {
  const NetworkNamespace space;
  const auto words = words_of(space, "table inet lab {\n  chain a {\n    jump nowhere\n  }\n}\n");
  EXPECT_NE(words.find("line 3: `jump nowhere`"), std::string::npos) << words;
  EXPECT_NE(words.find("No such file or directory"), std::string::npos) << words;
}

TEST_F(rule_set, a_rule_that_is_not_understood_is_named) {
  const NetworkNamespace space;
  const auto words = words_of(space, "table inet lab {\n  chain a {\n    udp dport banana drop\n  }\n}\n");
  EXPECT_NE(words.find("line 3: `udp dport banana drop`"), std::string::npos) << words;
  EXPECT_NE(words.find("banana"), std::string::npos) << words;
}

TEST_F(rule_set, a_refused_transaction_changes_nothing) {
  const NetworkNamespace space;
  load_rules(space, kCounting, {kTable});
  EXPECT_THROW(load_rules(space, "table inet lab { counter third {}; chain a { jump nowhere\n } }\n", {kTable}),
               Failure);
  EXPECT_EQ(RuleCounters(space, kTable).read().size(), 2U);
}

TEST_F(rule_set, replacing_rules_keeps_other_tables) {
  const NetworkNamespace space;
  load_rules(space, "table inet other { counter stranger {}; }\n", {kOther});
  load_rules(space, kCounting, {kTable});
  load_rules(space, "table inet lab { counter third {}; }\n", {kTable});
  const auto mine = RuleCounters(space, kTable).read();
  EXPECT_EQ(mine.size(), 1U);
  EXPECT_EQ(mine.count("third"), 1U);
  EXPECT_EQ(RuleCounters(space, kOther).read().count("stranger"), 1U);
}

TEST_F(rule_set, rules_change_while_traffic_flows_and_counters_go_on) {
  const NetworkNamespace space;
  load_rules(space, kCounting, {kTable});
  RuleCounters counters(space, kTable);
  const Datagrams sender(space, "127.0.0.1:1000");
  const Datagrams receiver(space, "127.0.0.1:1001");
  ASSERT_TRUE(reaches(sender, receiver, "127.0.0.1:1001"));
  load_rules(space, "flush chain inet lab input\nadd rule inet lab input udp dport 1001 counter name first drop\n");
  const auto before = counters.read().at("first").packets;
  EXPECT_GE(before, 1U);
  EXPECT_TRUE(never_reaches(sender, receiver, "127.0.0.1:1001"));
  EXPECT_GT(counters.read().at("first").packets, before);
}

TEST_F(rule_set, elements_are_added_to_a_set_at_run_time) {
  const NetworkNamespace space;
  load_rules(space, kCounting, {kTable});
  const Datagrams sender(space, "127.0.0.1:1000");
  const Datagrams receiver(space, "127.0.0.1:1003");
  EXPECT_TRUE(never_reaches(sender, receiver, "127.0.0.1:1003"));
  load_rules(space, "add element inet lab open { 1003 }\n");
  EXPECT_TRUE(reaches(sender, receiver, "127.0.0.1:1003"));
}

TEST_F(rule_set, many_namespaces_load_side_by_side) {
  std::deque<NetworkNamespace> spaces;
  std::deque<RuleSetLoad> loads;
  for (int i = 0; i < 8; ++i) {
    loads.emplace_back(spaces.emplace_back(), kCounting, std::vector<RuleTable>{kTable});
  }
  for (auto& load : loads) load.finish();
  for (const auto& space : spaces) EXPECT_EQ(RuleCounters(space, kTable).read().size(), 2U);
}

TEST_F(rule_set, rules_stay_in_their_namespace) {
  const NetworkNamespace one;
  const NetworkNamespace two;
  load_rules(one, kCounting, {kTable});
  EXPECT_TRUE(RuleCounters(two, kTable).read().empty());
}

TEST_F(rule_set, an_abandoned_load_leaves_no_process) {
  const NetworkNamespace space;
  { const RuleSetLoad abandoned(space, kCounting, {kTable}); }
  EXPECT_EQ(words_of(space, kCounting), "accepted");
}

TEST_F(tool, a_missing_one_is_said_with_its_package) {
  const NetworkNamespace space;
  try {
    const Tool tool(space, {"no-such-tool"}, "", "no-such-package");
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.exit(), Exit::unavailable);
    EXPECT_NE(std::string(failure.what()).find("no-such-package"), std::string::npos) << failure.what();
  }
}

TEST_F(tool, it_inherits_no_descriptor_and_no_environment) {
  const NetworkNamespace space;
  Tool list(space, {"ls", "/proc/self/fd"}, "", "coreutils");
  EXPECT_EQ(list.finish().output, "0\n1\n2\n3\n");  // 3 is its own, on the directory
  Tool environment(space, {"env"}, "", "coreutils");
  EXPECT_EQ(environment.finish().output, "LC_ALL=C\n");
}

TEST_F(tool, power_is_lent_to_it_and_taken_back) {
  const auto own = [] {
    std::ifstream status("/proc/thread-self/status");
    std::string all(std::istreambuf_iterator<char>(status), {});
    return all.substr(all.find("CapInh"), all.find("Seccomp") - all.find("CapInh"));
  };
  const NetworkNamespace space;
  const auto before = own();
  Tool power(space, {"grep", "CapEff", "/proc/self/status"}, "", "grep");
  EXPECT_EQ(own(), before);
  const auto effective = std::stoull(power.finish().output.substr(std::string("CapEff:\t").size()), nullptr, 16);
  EXPECT_NE(effective & 1ULL << CAP_NET_ADMIN, 0U);
}

}  // namespace
}  // namespace crypelab::kernel::rule_set_test
