#include "harness/services/dnsmasq.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace crypelab::services::dnsmasq_test {
namespace {

bool has(const Process& process, const std::string& argument) {
  return std::ranges::find(process.argv, argument) != process.argv.end();
}

Resolver settings() {
  Resolver resolver;
  resolver.name = "office.resolver";
  resolver.host = "office.edge";
  resolver.listen = {*parse_address("10.20.0.1"), *parse_address("2001:db8:20::1")};
  resolver.upstream = *parse_address("192.0.2.53");
  return resolver;
}

TEST(dnsmasq, the_world_answers_its_names_in_both_families_and_the_name_of_rfc_7050) {
  const auto file = world_dns_records(model::world_names());
  for (const char* line : {"203.0.113.20 turn.crype.test\n", "2001:db8:113::20 turn.crype.test\n",
                           "192.0.0.170 ipv4only.arpa\n", "192.0.0.171 ipv4only.arpa\n"}) {
    EXPECT_NE(file.content.find(line), std::string::npos) << line;
  }
  const auto process = world_dns("dns", {*parse_address("192.0.2.53")}, model::world_names());
  EXPECT_TRUE(has(process, "--address=/#/")) << "other names do not exist";
  EXPECT_EQ(process.files.front(), file);
}

TEST(dnsmasq, a_resolver_takes_nothing_from_the_machine) {
  const auto process = resolver(settings());
  for (const char* option : {"--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="}) {
    EXPECT_TRUE(has(process, option)) << option;
  }
  EXPECT_TRUE(has(process, "--listen-address=10.20.0.1"));
  EXPECT_TRUE(has(process, "--listen-address=2001:db8:20::1"));
  EXPECT_TRUE(has(process, "--server=192.0.2.53"));
  EXPECT_FALSE(has(process, "--address=/#/"));
  EXPECT_FALSE(process.network_administrator);
}

TEST(dnsmasq, a_resolver_without_upstream_knows_no_names) {
  auto internal = settings();
  internal.upstream.reset();
  EXPECT_TRUE(has(resolver(internal), "--address=/#/"));
}

TEST(dnsmasq, names_of_the_site_are_its_own_and_readiness_asks_nobody_else) {
  auto own = settings();
  own.domain = "office.test";
  own.records = {{"alice.office.test", {*parse_address("10.20.0.10"), *parse_address("2001:db8:20::a")}}};
  const auto process = resolver(own);
  EXPECT_TRUE(has(process, "--host-record=alice.office.test,10.20.0.10,2001:db8:20::a"));
  EXPECT_TRUE(has(process, "--local=/office.test/"));
  EXPECT_TRUE(has(process, "--host-record=ready.lab.test,127.0.0.1"));
  EXPECT_EQ(std::get<AnswersDns>(process.readiness).name, kReadyName);
}

TEST(dnsmasq, a_name_fills_every_set_that_wants_it) {
  auto learning = settings();
  learning.sets = {{"a4", "a6", {"turn.crype.test"}}, {"b4", "b6", {"turn.crype.test", "www.crype.test"}}};
  const auto process = resolver(learning);
  EXPECT_TRUE(has(process,
                  "--nftset=/turn.crype.test/4#inet#crypelab#a4,6#inet#crypelab#a6,4#inet#crypelab#b4,"
                  "6#inet#crypelab#b6"));
  EXPECT_TRUE(has(process, "--nftset=/www.crype.test/4#inet#crypelab#b4,6#inet#crypelab#b6"));
  EXPECT_TRUE(process.network_administrator);
}

TEST(dnsmasq, log_lines_become_values) {
  const auto query =
      parse_dnsmasq_log("dnsmasq[11993]: 2 192.0.2.53/59043 query[AAAA] signal.crype.test from 192.0.2.53");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->kind, DnsLogLine::Kind::query);
  EXPECT_EQ(query->serial, 2U);
  EXPECT_EQ(to_string(query->client), "192.0.2.53:59043");
  EXPECT_EQ(query->type, "AAAA");
  EXPECT_EQ(query->name, "signal.crype.test");
  const auto forwarded = parse_dnsmasq_log("dnsmasq[1]: 1 ::1/5 forwarded signal.crype.test to 192.0.2.53");
  ASSERT_TRUE(forwarded);
  EXPECT_EQ(forwarded->kind, DnsLogLine::Kind::forwarded);
  EXPECT_EQ(forwarded->value, "192.0.2.53");
  for (const char* line :
       {"dnsmasq[1]: 3 ::1/5 reply nope.test is NXDOMAIN", "dnsmasq[1]: 3 ::1/5 config nope.test is NXDOMAIN"}) {
    const auto answer = parse_dnsmasq_log(line);
    ASSERT_TRUE(answer) << line;
    EXPECT_EQ(answer->kind, DnsLogLine::Kind::answer);
    EXPECT_EQ(answer->value, "NXDOMAIN");
  }
}

TEST(dnsmasq, a_question_is_an_event_and_the_labs_own_is_not) {
  const auto events = read_dnsmasq_log("dnsmasq[1]: 7 10.20.0.10/59043 query[A] turn.crype.test from 10.20.0.10");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].source, model::Source::dns);
  EXPECT_EQ(events[0].kind, "question");
  EXPECT_EQ(model::text_field(events[0], "client"), "10.20.0.10:59043");
  EXPECT_EQ(model::text_field(events[0], "name"), "turn.crype.test");
  EXPECT_EQ(model::text_field(events[0], "type"), "A");
  EXPECT_EQ(*model::find_field(events[0], "serial"), model::Value(std::int64_t{7}));
  const auto answer = read_dnsmasq_log("dnsmasq[1]: 7 10.20.0.10/59043 reply turn.crype.test is 198.51.100.20");
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].kind, "answer");
  EXPECT_EQ(model::text_field(answer[0], "value"), "198.51.100.20");
  const auto forwarded = read_dnsmasq_log("dnsmasq[1]: 7 10.20.0.10/59043 forwarded turn.crype.test to 192.0.2.53");
  ASSERT_EQ(forwarded.size(), 1U);
  EXPECT_EQ(model::text_field(forwarded[0], "server"), "192.0.2.53");
  EXPECT_TRUE(read_dnsmasq_log("dnsmasq[1]: 1 10.20.0.1/5 query[A] ready.lab.test from 10.20.0.1").empty());
  EXPECT_TRUE(read_dnsmasq_log("dnsmasq[1]: started, version 2.90 cache disabled").empty());
}

TEST(dnsmasq, other_lines_are_no_values) {
  for (const char* line :
       {"", "dnsmasq[1]: started, version 2.90 cache disabled", "dnsmasq[1]: 1 nonsense query[A] x from y",
        "dnsmasq[1]: 1 ::1/99999 query[A] x from y", "dnsmasq[1]: 1 ::1/5 reply x",
        "dnsmasq[11995]: nftset inet crypelab n4 Error: No such file or directory"}) {
    EXPECT_FALSE(parse_dnsmasq_log(line)) << line;
  }
}

}  // namespace
}  // namespace crypelab::services::dnsmasq_test
