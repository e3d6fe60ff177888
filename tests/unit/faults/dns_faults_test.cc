#include "harness/faults/dns_faults.h"

#include "harness/base/error.h"

#include <gtest/gtest.h>

namespace crypelab::faults::dns_faults_test {
namespace {

std::vector<std::uint8_t> question(wire::DnsType type) {
  return *wire::encode_dns_question(0x1234, "Turn.Crype.Test", type);
}

DnsSettings settings(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"--listen", "127.0.0.1:53", "--upstream", "127.0.0.1:5301"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return parse_dns_settings(arguments);
}

DnsFate fate(const std::vector<std::string>& more, wire::DnsType type) {
  return fate_of(settings(more), *wire::parse_dns_question(question(type)));
}

TEST(dns_faults, without_faults_everything_is_forwarded) {
  EXPECT_EQ(fate({}, wire::DnsType::a), DnsFate::forward);
  EXPECT_EQ(fate({}, wire::DnsType::aaaa), DnsFate::forward);
  EXPECT_EQ(settings({}).delay, Duration{0});
}

TEST(dns_faults, aaaa_faults_leave_other_questions_alone) {
  for (const auto expected : {DnsFate::servfail, DnsFate::nxdomain, DnsFate::silent}) {
    const std::vector<std::string> more{"--aaaa", std::string(word(expected))};
    EXPECT_EQ(fate(more, wire::DnsType::aaaa), expected);
    EXPECT_EQ(fate(more, wire::DnsType::a), DnsFate::forward);
  }
}

TEST(dns_faults, a_fault_of_every_answer_counts_for_aaaa_too) {
  EXPECT_EQ(fate({"--answers", "servfail", "--aaaa", "silent"}, wire::DnsType::aaaa), DnsFate::servfail);
  EXPECT_EQ(fate({"--answers", "servfail"}, wire::DnsType::a), DnsFate::servfail);
}

TEST(dns_faults, a_refusal_repeats_the_question_and_has_no_records) {
  auto message = question(wire::DnsType::aaaa);
  const auto parsed = wire::parse_dns_question(message);
  message[11] = 1;  // one additional record: EDNS
  message.insert(message.end(), {0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0});
  const auto answer = wire::parse_dns_answer(refusal(message, *parsed, DnsFate::servfail));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, 0x1234);
  EXPECT_EQ(answer->code, wire::DnsCode::server_failure);
  EXPECT_EQ(answer->name, "turn.crype.test");
  EXPECT_EQ(answer->type, wire::DnsType::aaaa);
  EXPECT_TRUE(answer->addresses.empty());
  EXPECT_EQ(refusal(message, *parsed, DnsFate::servfail).size(), parsed->size);
  EXPECT_EQ(wire::parse_dns_answer(refusal(message, *parsed, DnsFate::nxdomain))->code, wire::DnsCode::name_error);
  EXPECT_TRUE(refusal(message, *parsed, DnsFate::silent).empty());
  EXPECT_TRUE(refusal(message, *parsed, DnsFate::forward).empty());
}

TEST(dns_faults, what_is_no_question_is_a_complaint) {
  auto response = question(wire::DnsType::a);
  response[2] |= 0x80;
  EXPECT_FALSE(wire::parse_dns_question(response));
  auto none = question(wire::DnsType::a);
  none[5] = 0;
  EXPECT_FALSE(wire::parse_dns_question(none));
  auto cut = question(wire::DnsType::a);
  cut.pop_back();
  EXPECT_FALSE(wire::parse_dns_question(cut));
  EXPECT_FALSE(wire::parse_dns_question({}));
}

TEST(dns_faults, settings_that_make_no_sense_are_bad_usage) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--listen", "127.0.0.1:53"}, {"--upstream", "127.0.0.1:53"}}) {
    EXPECT_THROW(parse_dns_settings(arguments), Failure);
  }
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--delay", "5"},
                                               {"--aaaa", "forward"},
                                               {"--answers"},
                                               {"--listen", "x"},
                                               {"--y", "z"}}) {
    EXPECT_THROW(settings(more), Failure);
  }
  EXPECT_EQ(settings({"--delay", "5s"}).delay, std::chrono::seconds(5));
}

TEST(dns_faults, a_name_in_the_log_has_no_bytes_that_could_mislead) {
  EXPECT_EQ(printable_name("turn-1._x.test"), "turn-1._x.test");
  EXPECT_EQ(printable_name(std::string_view("a\"\n\0\xff", 5)), "a????");
  EXPECT_EQ(printable_name(""), ".");
}

}  // namespace
}  // namespace crypelab::faults::dns_faults_test
