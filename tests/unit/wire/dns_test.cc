#include "harness/wire/dns.h"

#include <gtest/gtest.h>

namespace crypelab::wire::dns_test {
namespace {

using Message = std::vector<std::uint8_t>;

// An answer to encode_dns_question(7, "a.test", type), with these records behind the question.
Message answer(DnsType type, std::uint8_t code, std::uint8_t count, const Message& records) {
  auto bytes = *encode_dns_question(7, "a.test", type);
  bytes[2] = 0x81;
  bytes[3] = static_cast<std::uint8_t>(0x80 | code);
  bytes[7] = count;
  bytes.insert(bytes.end(), records.begin(), records.end());
  return bytes;
}

TEST(dns, a_question_has_the_bytes_of_the_standard) {
  const Message expected{0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 4, 't', 'e', 's', 't', 0, 0, 28, 0, 1};
  EXPECT_EQ(*encode_dns_question(7, "a.test", DnsType::aaaa), expected);
  EXPECT_EQ(*encode_dns_question(7, "a.test.", DnsType::aaaa), expected);
}

TEST(dns, names_that_dns_cannot_carry_are_complaints) {
  for (const std::string& name : {std::string(), std::string("."), std::string("a..b"), std::string(64, 'a'),
                                  std::string(".a"), std::string(300, 'a')}) {
    EXPECT_FALSE(encode_dns_question(1, name, DnsType::a)) << name;
  }
  EXPECT_TRUE(encode_dns_question(1, std::string(63, 'a'), DnsType::a));
}

TEST(dns, addresses_are_read_behind_an_alias) {
  const Message records{0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1,   'b', 0xC0, 14,  // CNAME b.test
                        0xC0, 36, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0,   2,    1};
  const auto parsed = parse_dns_answer(answer(DnsType::a, 0, 2, records));
  ASSERT_TRUE(parsed) << parsed.complaint();
  EXPECT_EQ(parsed->id, 7);
  EXPECT_EQ(parsed->name, "a.test");
  EXPECT_EQ(parsed->code, DnsCode::no_error);
  ASSERT_EQ(parsed->addresses.size(), 1u);
  EXPECT_EQ(to_string(parsed->addresses[0]), "192.0.2.1");
}

TEST(dns, codes_are_kept) {
  EXPECT_EQ(parse_dns_answer(answer(DnsType::a, 3, 0, {}))->code, DnsCode::name_error);
  EXPECT_EQ(parse_dns_answer(answer(DnsType::a, 2, 0, {}))->code, DnsCode::server_failure);
  EXPECT_EQ(parse_dns_answer(answer(DnsType::a, 5, 0, {}))->code, DnsCode::refused);
}

TEST(dns, broken_answers_are_complaints) {
  EXPECT_FALSE(parse_dns_answer({}));
  EXPECT_FALSE(parse_dns_answer(*encode_dns_question(7, "a.test", DnsType::a)));  // a question
  EXPECT_FALSE(parse_dns_answer(answer(DnsType::a, 0, 1, {})));                   // a record that is not there
  EXPECT_FALSE(parse_dns_answer(answer(DnsType::a, 0, 1, {0xC0, 24})));           // a pointer to itself
  EXPECT_FALSE(parse_dns_answer(answer(DnsType::a, 0, 1, {0xC0, 99, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0})));  // forwards
  EXPECT_FALSE(parse_dns_answer(answer(DnsType::a, 0, 1, {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 9, 1})));
  EXPECT_FALSE(parse_dns_answer(
      answer(DnsType::a, 0, 1, {0xC0, 2, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1})));  // into the header
  auto whole = answer(DnsType::a, 0, 1, {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1});
  EXPECT_TRUE(parse_dns_answer(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_dns_answer(Bytes(whole).first(size))) << size;
}

TEST(dns, the_translation_prefix_is_found_for_every_length) {
  const auto prefix = [](const char* address) {
    const auto found = nat64_prefix(*parse_address(address));
    return found ? to_string(*found) : "";
  };
  EXPECT_EQ(prefix("64:ff9b::c000:aa"), "64:ff9b::/96");
  EXPECT_EQ(prefix("64:ff9b::c000:ab"), "64:ff9b::/96");
  EXPECT_EQ(prefix("2001:db8:c000:aa::"), "2001:db8::/32");
  EXPECT_EQ(prefix("2001:db8:100:c000:0:aa00::"), "2001:db8:100::/48");
  EXPECT_EQ(prefix("2001:db8:1:2:c0:0:aa00:0"), "2001:db8:1:2::/64");
  EXPECT_EQ(prefix("2001:db8::1"), "");
  EXPECT_EQ(prefix("192.0.0.170"), "");
}

}  // namespace
}  // namespace crypelab::wire::dns_test
