#include "harness/lab/secrets.h"

#include <gtest/gtest.h>

namespace crypelab::lab::secrets_test {
namespace {

TEST(Secrets, a_name_has_one_secret_and_every_lab_its_own) {
  Secrets one;
  Secrets other;
  EXPECT_EQ(one.of("turn"), one.of("turn"));
  EXPECT_NE(one.of("turn"), one.of("token-alice"));
  EXPECT_NE(one.of("turn"), other.of("turn"));
  EXPECT_EQ(one.of("turn").size(), 32u);
}

TEST(Secrets, texts_get_them_where_their_names_stand) {
  Secrets secrets;
  EXPECT_EQ(secrets.put_into("user=alice:{secret:a}\nuser=bob:{secret:b}\n"),
            "user=alice:" + secrets.of("a") + "\nuser=bob:" + secrets.of("b") + "\n");
  EXPECT_EQ(secrets.put_into("{secret:a}"), secrets.of("a"));
  EXPECT_EQ(secrets.put_into("{secret:a"), "{secret:a");
  EXPECT_EQ(secrets.all().size(), 2u);
}

// Computed with: printf %s 1795347600:alice | openssl dgst -sha1 -hmac north -binary | base64
TEST(Secrets, a_time_limited_login_is_what_the_rest_draft_says) {
  const auto login = time_limited_login("north", "alice", 1795347600);
  EXPECT_EQ(login.user, "1795347600:alice");
  EXPECT_EQ(login.password, "z10WK0YzXk6OZvs+gVjfELNBtWU=");
}

}  // namespace
}  // namespace crypelab::lab::secrets_test
