#include "harness/base/md4.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::md4_test {
namespace {

std::string hex_of(std::string_view text) {
  std::string out;
  for (const auto byte : md4(text)) out += fmt::format("{:02x}", byte);
  return out;
}

TEST(Md4, gives_what_rfc_1320_appendix_a_5_gives) {
  EXPECT_EQ(hex_of(""), "31d6cfe0d16ae931b73c59d7e0c089c0");
  EXPECT_EQ(hex_of("a"), "bde52cb31de33e46245e05fbdbd6fb24");
  EXPECT_EQ(hex_of("abc"), "a448017aaf21d8525fc10ae87aa6729d");
  EXPECT_EQ(hex_of("message digest"), "d9130a8164549fe818874806e1c7014b");
  EXPECT_EQ(hex_of("abcdefghijklmnopqrstuvwxyz"), "d79e1c308aa5bbcdeea8ed63df412da9");
  EXPECT_EQ(hex_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            "043f8582f241db351ce627e153e7f0e4");
  EXPECT_EQ(hex_of("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "e33b4ddc9c38f2199c3e7b164fcc0536");
}

// The padding needs a second block from 56 bytes on.
TEST(Md4, the_padding_may_need_a_block_of_its_own) {
  std::string last;
  for (const std::size_t size : {55, 56, 63, 64, 65}) {
    const auto hash = hex_of(std::string(size, 'x'));
    EXPECT_EQ(hash.size(), 32u);
    EXPECT_NE(hash, last);
    last = hash;
  }
}

}  // namespace
}  // namespace crypelab::md4_test
