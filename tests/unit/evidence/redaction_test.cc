#include "harness/evidence/redaction.h"

#include "harness/base/error.h"

#include <gtest/gtest.h>

namespace crypelab::evidence::redaction_test {
namespace {

const Redaction redaction(std::vector<Secret>{{"alice", "wonderland"}, {"turn", "k3y+/=ä"}});

TEST(Redaction, a_secret_leaves_its_name_and_nothing_of_itself) {
  EXPECT_EQ(redaction("password=wonderland, again wonderland."), "password=[secret:alice], again [secret:alice].");
  EXPECT_EQ(redaction("nothing to see"), "nothing to see");
}

TEST(Redaction, basic_credentials_are_found_at_every_offset) {
  // base64 of "alice:wonderland", "bob1:wonderland", "carol2:wonderland"
  for (const char* text : {"YWxpY2U6d29uZGVybGFuZA==", "Ym9iMTp3b25kZXJsYW5k", "Y2Fyb2wyOndvbmRlcmxhbmQ="}) {
    EXPECT_NE(redaction(text).find("[secret:alice]"), std::string::npos) << text << " became " << redaction(text);
  }
}

TEST(Redaction, percent_encoding_and_hexadecimal_hide_nothing) {
  EXPECT_EQ(redaction("k=k3y%2B%2F%3D%C3%A4&"), "k=[secret:turn]&");
  EXPECT_EQ(redaction("776f6e6465726c616e64"), "[secret:alice]");
}

TEST(Redaction, a_secret_too_short_to_be_told_apart_is_refused) {
  EXPECT_THROW(Redaction(std::vector<Secret>{{"x", "abc"}}), Failure);
}

}  // namespace
}  // namespace crypelab::evidence::redaction_test
