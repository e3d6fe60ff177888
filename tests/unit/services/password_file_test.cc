#include "harness/services/password_file.h"

#include <crypt.h>
#include <gtest/gtest.h>

namespace crypelab::services::password_file_test {
namespace {

const std::vector<model::ProxyUser> kUsers{{"Mufasa", "Circle of Life"}, {"user", "Password"}};

TEST(PasswordFile, of_basic_is_what_crypt_verifies) {
  const auto file = crypt_file(kUsers, "proxy.office.test");
  const auto begin = file.find("user:") + 5;
  const auto hash = file.substr(begin, file.find('\n', begin) - begin);
  EXPECT_TRUE(hash.starts_with("$5$")) << hash;
  crypt_data room{};
  EXPECT_EQ(std::string(crypt_r("Password", hash.c_str(), &room)), hash);
  EXPECT_NE(std::string(crypt_r("password", hash.c_str(), &room)), hash);
  EXPECT_EQ(file.find("Password"), std::string::npos);
  EXPECT_EQ(crypt_file(kUsers, "proxy.office.test"), file);
  EXPECT_NE(crypt_file(kUsers, "other.office.test"), file);
}

// H(A1) of RFC 7616 section 3.9.1, whose responses come from it.
TEST(PasswordFile, of_digest_holds_the_hash_of_user_realm_and_password) {
  EXPECT_EQ(digest_file({kUsers[0]}, "http-auth@example.org"),
            "Mufasa:http-auth@example.org:3d78807defe7de2157e2b0b6573a855f\n");
}

// MS-NLMP section 4.2.2.1.2.
TEST(PasswordFile, of_ntlm_holds_the_nt_hash) {
  EXPECT_EQ(nt_hash_file({kUsers[1]}), "user:a4f49c406510bdcab6824ee7c30fd852\n");
}

}  // namespace
}  // namespace crypelab::services::password_file_test
