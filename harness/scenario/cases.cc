#include "harness/scenario/cases.h"

#include "harness/scenario/read_value.h"

#include <algorithm>
#include <array>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostCases = 32;
constexpr std::size_t kMostNodesInAll = 400'000;  // cases times the size of the file
constexpr std::string_view kExample = "a case varies one thing: 'sites.office.isolation: true'";

std::size_t size_of(const Node& node) {
  std::size_t size = 1;
  for (const auto& item : node.items) size += size_of(item);
  for (const auto& entry : node.entries) size += size_of(entry.value);
  return size;
}

bool is_case_name(std::string_view name) {
  const auto legal = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, legal) && name.front() != '-' &&
         name.back() != '-';
}

void set(Node& mapping, std::string_view key, const Position& key_at, const Node& value) {
  if (Node* there = mapping.find(key)) {
    *there = value;
  } else {
    mapping.entries.push_back({std::string(key), key_at, value});
  }
}

// Puts `variation` where its key, a dotted path, points to.
bool vary(Node& root, const Entry& variation, Problems& problems) {
  std::string_view rest = variation.key;
  const std::string_view first = rest.substr(0, rest.find('.'));
  constexpr std::array<std::string_view, 6> wholes{"signaling", "steps", "turn", "turn-a", "turn-b", "work"};
  const bool whole = std::ranges::find(wholes, first) != wholes.end();
  if (!whole && (rest == first || (first != "sites" && first != "clients"))) {
    problems.add(
        variation.at, in_quotes(variation.key) + " is nothing that a case can vary",
        "title, proves, steps, signaling, turn, turn-a, turn-b, work, expect, or a path like sites.office.egress or "
        "clients.alice.site");
    return false;
  }
  Node* node = &root;
  while (true) {
    const auto dot = rest.find('.');
    const auto key = rest.substr(0, dot);
    if (node->kind == Node::Kind::refused) return false;
    if (key.empty() || node->kind != Node::Kind::mapping) {
      problems.add(variation.at, in_quotes(variation.key) + " leads nowhere", std::string(kExample));
      return false;
    }
    if (dot == std::string_view::npos) {
      set(*node, key, variation.at, variation.value);
      return true;
    }
    Node* next = node->find(key);
    if (next == nullptr) {
      std::vector<std::string_view> known;
      for (const auto& entry : node->entries) known.push_back(entry.key);
      const std::string guess = did_you_mean(key, known);
      problems.add(variation.at, in_quotes(variation.key) + " leads nowhere: there is no " + in_quotes(key),
                   guess.empty() ? "there: " + join(known) : guess);
      return false;
    }
    node = next;
    rest.remove_prefix(dot + 1);
  }
}

bool apply(Node& tree, const Entry& described, Problems& problems) {
  const Node& description = described.value;
  if (description.kind == Node::Kind::refused) return false;
  if (description.kind != Node::Kind::mapping) {
    problems.add(description.at, "expected a case, found " + found(description), std::string(kExample));
    return false;
  }
  std::vector<const Entry*> variations;
  for (const auto& entry : description.entries) {
    if (std::ranges::find(kCaseWords, entry.key) != kCaseWords.end()) {
      set(tree, entry.key, entry.at, entry.value);
    } else {
      variations.push_back(&entry);
    }
  }
  if (variations.size() > 1) {
    problems.add(variations[1]->at, "case " + in_quotes(described.key) + " varies a second thing",
                 "one thing a case, so that the difference has one reason");
    return false;
  }
  if (variations.empty()) {
    problems.add(described.at, "case " + in_quotes(described.key) + " varies nothing", std::string(kExample));
    return false;
  }
  return vary(tree, *variations.front(), problems);
}

}  // namespace

std::vector<Case> expand_cases(const Node& root, Problems& problems) {
  std::vector<Case> result;
  const Node* cases = root.find("cases");
  if (cases == nullptr) {
    result.push_back({"", root, false});
    return result;
  }
  Node base = root;
  std::erase_if(base.entries, [](const Entry& entry) { return entry.key == "cases"; });
  const Case without{"", base, true};
  if (cases->kind == Node::Kind::refused) return {without};
  if (cases->kind != Node::Kind::mapping || cases->entries.empty()) {
    problems.add(cases->at, "expected a mapping of cases, found " + found(*cases), std::string(kExample));
    return {without};
  }
  const std::size_t count = cases->entries.size();
  if (count > kMostCases || count * size_of(root) > kMostNodesInAll) {
    problems.add(cases->at, "too many cases for one file",
                 "at most " + std::to_string(kMostCases) + ", fewer in a large file");
    return {without};
  }
  for (const auto& entry : cases->entries) {
    if (!is_case_name(entry.key)) {
      problems.add(entry.at, in_quotes(entry.key) + " cannot name a case", "a name has small letters, digits and '-'");
      continue;
    }
    Case one{entry.key, base, false};
    if (apply(one.tree, entry, problems)) result.push_back(std::move(one));
  }
  if (result.empty()) result.push_back(without);
  return result;
}

}  // namespace crypelab::scenario
