#include "harness/wire/ntlm.h"

#include "harness/wire/digest.h"
#include "hex.h"

#include <gtest/gtest.h>

namespace crypelab::wire::ntlm_test {
namespace {

// MS-NLMP section 4.2.1 and 4.2.4: user "User", domain "Domain", password "Password".
constexpr NtlmChallenge kChallenge{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

// Section 4.2.4.3.
std::vector<std::uint8_t> authenticate() {
  return from_hex(
      "4e544c4d53535000030000001800180"
      "06c000000540054008400000"
      "00c000c00480000000800080054000000100010005c00000010001000d8000000358288e2"
      "0501280a0000000f"
      "44006f006d00610069006e00"
      "5500730065007200"
      "43004f004d0050005500540045005200"
      "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"
      "68cd0ab851e51c96aabc927bebef6a1c"
      "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
      "02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000"
      "c5dad2544fc979909"
      "4ce1ce90bc9d03e");
}

TEST(Ntlm, hashes_as_section_4_2_says) {
  EXPECT_EQ(lower_hex(nt_hash("Password")), "a4f49c406510bdcab6824ee7c30fd852");
  EXPECT_EQ(lower_hex(ntlmv2_key(nt_hash("Password"), "User", "Domain")), "0c868a403bfd7a93a3001ef22ef02e3f");
}

TEST(Ntlm, the_third_message_of_section_4_2_4_is_read_and_verified) {
  const auto read = parse_ntlm_authenticate(authenticate());
  ASSERT_TRUE(read) << read.complaint();
  EXPECT_EQ(read->user, "User");
  EXPECT_EQ(read->domain, "Domain");
  EXPECT_TRUE(verify_ntlmv2(ntlmv2_key(nt_hash("Password"), read->user, read->domain), kChallenge, read->response));
}

TEST(Ntlm, another_password_user_domain_challenge_or_response_is_not_the_right_one) {
  const auto response = parse_ntlm_authenticate(authenticate())->response;
  const auto right = ntlmv2_key(nt_hash("Password"), "User", "Domain");
  EXPECT_FALSE(verify_ntlmv2(ntlmv2_key(nt_hash("password"), "User", "Domain"), kChallenge, response));
  EXPECT_FALSE(verify_ntlmv2(ntlmv2_key(nt_hash("Password"), "User2", "Domain"), kChallenge, response));
  EXPECT_FALSE(verify_ntlmv2(ntlmv2_key(nt_hash("Password"), "User", "domain"), kChallenge, response));
  EXPECT_FALSE(verify_ntlmv2(right, NtlmChallenge{}, response));
  for (std::size_t i = 0; i < response.size(); ++i) {
    auto changed = response;
    changed[i] ^= 1;
    EXPECT_FALSE(verify_ntlmv2(right, kChallenge, changed)) << i;
  }
  // The user's name is without regard to case (section 3.3.2), so that helpers may look it up as they keep it.
  EXPECT_TRUE(verify_ntlmv2(ntlmv2_key(nt_hash("Password"), "USER", "Domain"), kChallenge, response));
}

TEST(Ntlm, answers_of_the_older_versions_are_refused) {
  const auto key = ntlmv2_key(nt_hash("Password"), "User", "Domain");
  // Section 4.2.2.2.1: 24 bytes of NTLMv1.
  EXPECT_FALSE(verify_ntlmv2(key, kChallenge, from_hex("67c43011f30298a2ad35ece64f16331c44bdbed927841f94")));
  EXPECT_FALSE(verify_ntlmv2(key, kChallenge, {}));
}

TEST(Ntlm, a_message_that_is_cut_anywhere_is_refused_or_unharmful) {
  const auto whole = authenticate();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = parse_ntlm_authenticate(Bytes(whole).first(size));
    // The session key at the end is not looked at.
    EXPECT_EQ(read.ok(), size >= whole.size() - 16) << size;
  }
}

TEST(Ntlm, a_field_that_points_elsewhere_is_refused) {
  for (const std::size_t at : {24, 32, 40}) {
    auto changed = authenticate();
    for (std::size_t i = 0; i < 4; ++i) changed[at + i] = 0xff;
    EXPECT_FALSE(parse_ntlm_authenticate(changed)) << at;
  }
}

TEST(Ntlm, a_challenge_has_its_fields_where_they_say) {
  const auto message = ntlm_challenge(kChallenge, "OFFICE", "PROXY");
  ASSERT_EQ(*ntlm_message(message), NtlmMessage::challenge);
  EXPECT_EQ(lower_hex(Bytes(message).subspan(24, 8)), "0123456789abcdef");
  EXPECT_EQ(lower_hex(Bytes(message).subspan(12, 8)), "0c000c0038000000");
  EXPECT_EQ(lower_hex(Bytes(message).subspan(56, 12)), "4f0046004600490043004500");
  EXPECT_EQ(lower_hex(Bytes(message).subspan(40, 8)), "2200220044000000");
  EXPECT_EQ(lower_hex(Bytes(message).subspan(68)),
            "02000c004f0046004600490043004500"
            "01000a00500052004f0058005900"
            "00000000");
}

}  // namespace
}  // namespace crypelab::wire::ntlm_test
