#include "harness/scenario/spelling.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kLongestWord = 64;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.empty() || word.size() > kLongestWord) return "";
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    if (c == '_') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  // One slip in three letters: more, and the guess is noise.
  std::size_t best = std::max<std::size_t>(1, lower.size() / 3) + 1;
  std::string_view nearest;
  for (const auto candidate : known) {
    if (candidate.size() > 2 * kLongestWord) continue;
    // A word that was cut short counts as near: "internal" for "internal-only".
    const bool beginning = lower.size() >= 3 && candidate.starts_with(lower);
    const std::size_t distance = beginning ? 1 : edit_distance(lower, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? "" : "did you mean '" + std::string(nearest) + "'?";
}

std::string join(const std::vector<std::string_view>& words) {
  std::string text;
  for (const auto word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace crypelab::scenario
