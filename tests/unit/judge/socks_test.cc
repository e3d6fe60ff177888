#include "harness/judge/socks.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace crypelab::judge::socks_test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes name_request() {  // CONNECT to turns.crype.test:443
  Bytes request{5, 1, 0, 3, 16};
  for (const char c : std::string_view("turns.crype.test")) request.push_back(static_cast<std::uint8_t>(c));
  request.insert(request.end(), {1, 0xBB});
  return request;
}

TEST(Socks, a_tunnel_with_a_password_is_read_in_any_segmentation) {
  const std::vector<std::pair<bool, Bytes>> dialogue{
      {true, {5, 2, 0, 2}}, {false, {5, 2}},        {true, {1, 2, 'm', 'e', 3, 'p', 'a', 's'}},
      {false, {1, 0}},      {true, name_request()}, {false, {5, 0, 0, 1, 0, 0, 0, 0, 0, 0}},
      {true, {0x16, 3, 1}}};
  for (const std::size_t step : {std::size_t{1}, std::size_t{100}}) {
    Socks socks;
    for (const auto& [outgoing, bytes] : dialogue) {
      for (std::size_t i = 0; i < bytes.size(); i += step)
        socks.feed(wire::Bytes(bytes).subspan(i, std::min(step, bytes.size() - i)), outgoing);
    }
    EXPECT_TRUE(socks.opened());
    EXPECT_TRUE(socks.with_password());
    EXPECT_EQ(socks.target(), "turns.crype.test:443");
    EXPECT_EQ(socks.rest(true), (Bytes{0x16, 3, 1}));
  }
}

TEST(Socks, addresses_are_targets_too) {
  Socks socks;
  socks.feed(Bytes{5, 1, 0, 5, 1, 0, 1, 203, 0, 113, 22, 0x0D, 0x96}, true);
  socks.feed(Bytes{5, 0}, false);
  EXPECT_EQ(socks.target(), "203.0.113.22:3478");
  EXPECT_FALSE(socks.opened());
}

TEST(Socks, a_refusal_is_no_tunnel) {
  Socks wrong_password;
  wrong_password.feed(Bytes{5, 1, 2}, true);
  wrong_password.feed(Bytes{5, 2}, false);
  wrong_password.feed(Bytes{1, 1, 'a', 1, 'b'}, true);
  wrong_password.feed(Bytes{1, 1}, false);
  EXPECT_TRUE(wrong_password.refused());
  Socks not_allowed;
  not_allowed.feed(Bytes{5, 1, 0}, true);
  not_allowed.feed(Bytes{5, 0}, false);
  not_allowed.feed(name_request(), true);
  not_allowed.feed(Bytes{5, 2, 0, 1, 0, 0, 0, 0, 0, 0}, false);
  EXPECT_TRUE(not_allowed.refused());
  EXPECT_FALSE(not_allowed.opened());
}

TEST(Socks, a_dialogue_that_never_ends_is_given_up) {
  Socks socks;
  socks.feed(Bytes(10'000, 5), false);
  EXPECT_TRUE(socks.refused());
  EXPECT_TRUE(Socks::begins({5, 1, 0}));
  EXPECT_FALSE(Socks::begins({5, 2, 0}));
  EXPECT_FALSE(Socks::begins({4, 1, 0}));
}

}  // namespace
}  // namespace crypelab::judge::socks_test
