#include "clients/reference/misbehaviour.h"

#include <array>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace crypelab::client::misbehaviour_test {
namespace {

TEST(Misbehaviour, every_rule_has_a_name_and_an_effect) {
  std::set<std::string_view> ids;
  for (const auto& rule : broken_rules()) {
    ids.insert(rule.id);
    EXPECT_FALSE(rule.effect.empty());
    const std::array<std::string, 1> one{std::string(rule.id)};
    const auto parsed = Misbehaviour::parse(one);
    ASSERT_TRUE(parsed);
    for (const auto& other : broken_rules()) EXPECT_EQ(parsed->breaks(other.rule), other.rule == rule.rule);
  }
  EXPECT_EQ(ids.size(), rule_count);
  const std::array<std::string, 1> unknown{"X-99"};
  EXPECT_FALSE(Misbehaviour::parse(unknown));
}

}  // namespace
}  // namespace crypelab::client::misbehaviour_test
