#include "harness/probe/token.h"

#include <charconv>

namespace crypelab::probe {

std::string token_text(const wire::TransactionId& transaction) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : transaction) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 0xf]);
  }
  return text;
}

std::optional<wire::TransactionId> parse_token(std::string_view text) {
  wire::TransactionId transaction{};
  if (text.size() != 2 * transaction.size()) return std::nullopt;
  for (std::size_t i = 0; i < transaction.size(); ++i) {
    const auto* const begin = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, transaction[i], 16);
    if (error != std::errc{} || end != begin + 2) return std::nullopt;
  }
  return transaction;
}

}  // namespace crypelab::probe
