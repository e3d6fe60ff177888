#include "harness/scenario/read_users.h"

#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostUsers = 64;
constexpr std::size_t kLongestUser = 64;
constexpr std::size_t kShortestPassword = 4;  // shorter ones could not be told from other text and taken out of it
constexpr std::size_t kLongestPassword = 128;

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// RFC 7617 section 2: a colon would end the user's name.
bool check_user(const Entry& entry, Problems& problems) {
  if (entry.key.size() <= kLongestUser && is_visible(entry.key) &&
      entry.key.find_first_of(":\"\\@/%") == std::string::npos)
    return true;
  problems.add(entry.at, in_quotes(entry.key) + " cannot name a user",
               "at most " + std::to_string(kLongestUser) + " visible characters, without : \" \\ @ / %");
  return false;
}

std::optional<std::string> read_password(const Node& node, Problems& problems) {
  auto text = read_text(node, "a password", problems);
  if (!text) return std::nullopt;
  const auto printable = [](char c) { return c >= ' ' && c < 0x7f; };
  if (text->size() < kShortestPassword || text->size() > kLongestPassword || !std::ranges::all_of(*text, printable)) {
    problems.add(
        node.at, "this password cannot be used",
        std::to_string(kShortestPassword) + " to " + std::to_string(kLongestPassword) + " characters of ASCII");
    return std::nullopt;
  }
  return text;
}

}  // namespace

std::vector<model::ProxyUser> read_users(const Node& node, Problems& problems) {
  std::vector<model::ProxyUser> users;
  if (node.kind != Node::Kind::mapping || node.entries.empty() || node.entries.size() > kMostUsers) {
    problems.add(node.at, "expected users with their passwords, found " + found(node),
                 "write it like users: {alice: wonderland}, at most " + std::to_string(kMostUsers));
    return users;
  }
  for (const auto& entry : node.entries) {
    if (entry.value.kind == Node::Kind::refused || !check_user(entry, problems)) continue;
    if (auto password = read_password(entry.value, problems)) users.push_back({entry.key, std::move(*password)});
  }
  return users;
}

}  // namespace crypelab::scenario
