#include "harness/kernel/rule_set.h"

#include "harness/base/error.h"

#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace crypelab::kernel {

namespace {

// nft reads the tables to replace on one line in front of the text.
constexpr unsigned kShift = 1;

// Adding a table that is there is no error, deleting one that is not there is: so add, then delete. (`destroy` does it
// in one word, but needs nft 1.0.7 and Linux 6.3.)
std::string with_replaced(const std::vector<RuleTable>& replaced, const std::string& text) {
  std::string whole;
  for (const auto& table : replaced) {
    whole += fmt::format("add table {0} {1}; delete table {0} {1}; ", table.family, table.name);
  }
  return whole + "\n" + text;
}

std::string_view trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r") - start + 1);
}

std::string_view line_of(std::string_view text, unsigned number) {
  for (; number > 1; --number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return trimmed(text.substr(0, text.find('\n')));
}

}  // namespace

RuleSetLoad::RuleSetLoad(const NetworkNamespace& in, std::string text, const std::vector<RuleTable>& replaced)
    : text_(std::move(text)), nft_(in, {"nft", "-f", "-"}, with_replaced(replaced, text_), "nftables") {}

void RuleSetLoad::finish() {
  const auto outcome = nft_.finish();
  if (outcome.status == 0) return;
  throw Failure(Exit::os, fmt::format("the rule set was refused: {}", explain_refusal(outcome.output, text_, kShift)));
}

void load_rules(const NetworkNamespace& in, const std::string& text, const std::vector<RuleTable>& replaced) {
  RuleSetLoad(in, text, replaced).finish();
}

// nft says "/dev/stdin:LINE:COLUMN-COLUMN: Error: REASON", then the line and a row of carets.
std::string explain_refusal(const std::string& complaint, const std::string& text, unsigned shift) {
  const std::string_view all = complaint;
  constexpr std::string_view kMark = "Error: ";
  const auto mark = all.find(kMark);
  if (mark == std::string_view::npos) return complaint.empty() ? "nft gave no reason" : complaint;
  const auto reason = all.substr(mark + kMark.size(), all.find('\n', mark) - mark - kMark.size());
  const auto line_start = all.rfind('\n', mark) == std::string_view::npos ? 0 : all.rfind('\n', mark) + 1;
  const auto place = all.substr(line_start, mark - line_start);
  const auto colon = place.find(':');
  unsigned line = 0;
  if (colon != std::string_view::npos) {
    std::from_chars(place.data() + colon + 1, place.data() + place.size(), line);
  }
  if (line <= shift) return std::string(reason);
  return fmt::format("line {}: `{}`: {}", line - shift, line_of(text, line - shift), reason);
}

}  // namespace crypelab::kernel
