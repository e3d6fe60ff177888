#include "harness/faults/ntlm_helper.h"

#include "harness/base/error.h"
#include "harness/wire/base64.h"
#include "harness/wire/digest.h"

#include <gtest/gtest.h>

namespace crypelab::faults::ntlm_helper_test {
namespace {

constexpr wire::NtlmChallenge kChallenge{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
constexpr const char* kFirst = "YR TlRMTVNTUAABAAAABoIIAAAAAAAAAAAAAAAAAAAAAAA=";

// MS-NLMP section 4.2.4.3, the answer of user "User" of "Domain" with "Password" to the challenge above.
constexpr const char* kThird =
    "KK "
    "TlRMTVNTUAADAAAAGAAYAGwAAABUAFQAhAAAAAwADABIAAAACAAIAFQAAAAQABAAXAAAABAAEADYAAAANYKI4gUBKAoAAAAPRABvAG0AYQBpAG4A"
    "VQBzAGUAcgBDAE8ATQBQAFUAVABFAFIAhsNQl6yc7BAlVHZKV8zMGaqqqqqqqqqqaM0KuFHlHJaqvJJ76+"
    "9qHAEBAAAAAAAAAAAAAAAAAACqqqqqqqqq"
    "qgAAAAACAAwARABvAG0AYQBpAG4AAQAMAFMAZQByAHYAZQByAAAAAAAAAAAAxdrSVE/JeZCUzhzpC8nQPg==";

NtlmDialogue dialogue(const std::string& file) {
  return {parse_nt_hashes(file), "Domain", [] { return kChallenge; }};
}

const std::string kRight = "user:a4f49c406510bdcab6824ee7c30fd852\n";  // "Password"

TEST(NtlmHelper, lets_in_who_answers_with_the_password) {
  auto helper = dialogue("bob:00000000000000000000000000000000\n" + kRight);
  EXPECT_TRUE(helper.answer(kFirst).starts_with("TT TlRMTVNTUAACAAAA")) << helper.answer(kFirst);
  EXPECT_EQ(helper.answer(kThird), "AF user");
}

TEST(NtlmHelper, a_wrong_password_and_an_unknown_user_stay_out) {
  auto wrong = dialogue("user:a4f49c406510bdcab6824ee7c30fd853\n");
  wrong.answer(kFirst);
  EXPECT_TRUE(wrong.answer(kThird).starts_with("NA ")) << wrong.answer(kThird);
  auto unknown = dialogue("another:a4f49c406510bdcab6824ee7c30fd852\n");
  unknown.answer(kFirst);
  EXPECT_EQ(unknown.answer(kThird), "NA unknown user");
}

TEST(NtlmHelper, a_challenge_is_good_for_one_answer) {
  auto helper = dialogue(kRight);
  EXPECT_EQ(helper.answer(kThird), "NA an answer to no challenge");
  helper.answer(kFirst);
  EXPECT_EQ(helper.answer(kThird), "AF user");
  EXPECT_EQ(helper.answer(kThird), "NA an answer to no challenge");
}

TEST(NtlmHelper, what_is_not_the_protocol_is_refused) {
  auto helper = dialogue(kRight);
  EXPECT_TRUE(helper.answer("YR").starts_with("TT "));  // Squid has no first message yet
  for (const auto* line : {"YR nonsense!", "YR YWJj", "KK", "KK YWJj", "KK nonsense!"})
    EXPECT_TRUE(helper.answer(line).starts_with("NA ")) << line;
  for (const auto* line : {"", "Y", "YRx", "QQ", "KKTlRM"}) EXPECT_TRUE(helper.answer(line).starts_with("BH ")) << line;
}

TEST(NtlmHelper, a_broken_password_file_is_refused_without_telling_it) {
  for (const auto* text : {"user", "user:", ":a4f49c406510bdcab6824ee7c30fd852", "user:a4f49c40",
                           "user:a4f49c406510bdcab6824ee7c30fd85g"}) {
    try {
      parse_nt_hashes(text);
      ADD_FAILURE() << text;
    } catch (const Failure& failure) {
      EXPECT_EQ(std::string(failure.what()).find("a4f4"), std::string::npos);
    }
  }
  EXPECT_TRUE(parse_nt_hashes("").empty());
}

}  // namespace
}  // namespace crypelab::faults::ntlm_helper_test
