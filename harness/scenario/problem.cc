#include "harness/scenario/problem.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMost = 100;
constexpr std::size_t kExcerptBytes = 200;

// The part of a long line that shows the column, and the column within that part.
std::pair<std::string, unsigned> window(const Problem& problem) {
  if (problem.excerpt.size() <= kExcerptBytes) return {problem.excerpt, problem.column};
  std::string_view rest = problem.excerpt;
  unsigned skipped = 0;
  while (problem.column - skipped > 60 && !rest.empty()) {
    rest.remove_prefix(std::max<std::size_t>(utf8_length(rest), 1));
    ++skipped;
  }
  std::size_t end = 0;
  while (end < rest.size() && end < kExcerptBytes) end += std::max<std::size_t>(utf8_length(rest.substr(end)), 1);
  return {std::string(rest.substr(0, end)), problem.column - skipped};
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = problem.file + ":";
  if (problem.line > 0) text += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ":";
  text += " " + problem.message + "\n";
  if (problem.line > 0) {
    const auto [excerpt, column] = window(problem);
    text += "    " + excerpt + "\n    " + std::string(column - 1, ' ') + "^\n";
  }
  if (!problem.hint.empty()) text += "    " + problem.hint + "\n";
  return text;
}

void Problems::add(const Position& at, std::string message, std::string hint) {
  ++complaints_;
  Problem problem;
  problem.file = at.source == nullptr ? std::string() : printable(at.source->name());
  problem.line = at.line;
  problem.column = std::max(at.column, 1u);
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  if (!context_.empty()) problem.hint += (problem.hint.empty() ? "(" : " (") + context_ + ")";
  if (!seen_.insert({problem.file, problem.line, problem.column, problem.message}).second) return;
  if (problems_.size() == kMost) {
    ++dropped_;
    return;
  }
  if (at.source != nullptr) problem.excerpt = printable(at.source->line(at.line));
  problems_.push_back(std::move(problem));
}

std::vector<Problem> Problems::sorted() const {
  std::vector<std::string> files;
  for (const auto& problem : problems_) {
    if (std::ranges::find(files, problem.file) == files.end()) files.push_back(problem.file);
  }
  const auto rank = [&](const Problem& problem) {
    return std::tuple(std::ranges::find(files, problem.file) - files.begin(), problem.line, problem.column);
  };
  std::vector<Problem> result = problems_;
  std::ranges::stable_sort(result, [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  if (dropped_ > 0) {
    Problem more;
    more.file = result.front().file;
    more.message = "and " + std::to_string(dropped_) + " more problems like these";
    result.push_back(more);
  }
  return result;
}

}  // namespace crypelab::scenario
