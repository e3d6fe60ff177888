#include "harness/blueprint/rule_table.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

constexpr const char* kTable = "inet crypelab";

void print(std::string& out, const RuleSetObject& set) {
  out += fmt::format("  {} {} {{\n    {}\n", set.kind, set.name, set.spec);
  if (!set.elements.empty()) out += fmt::format("    elements = {{ {} }}\n", fmt::join(set.elements, ", "));
  out += "  }\n";
}

void print(std::string& out, const RuleChain& chain) {
  out += fmt::format("  chain {} {{\n", chain.name);
  if (!chain.hook.empty()) out += fmt::format("    {}\n", chain.hook);
  for (const auto& rule : chain.rules) out += fmt::format("    {}\n", rule);
  out += "  }\n";
}

std::string flush(const RuleSetObject& set) { return fmt::format("flush {} {} {}\n", set.kind, kTable, set.name); }

template <class T>
const T* find(const std::vector<T>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &T::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string text_of(const RuleTable& table) {
  std::string out = fmt::format("table {0} {{\n}}\ndelete table {0}\ntable {0} {{\n", kTable);
  for (const auto& counter : table.counters) out += fmt::format("  counter {} {{\n  }}\n", counter);
  for (const auto& set : table.sets) print(out, set);
  for (const auto& chain : table.chains) print(out, chain);
  return out + "}\n";
}

std::string difference(const RuleTable& before, const RuleTable& after) {
  std::string emptied;
  std::string block;
  for (const auto& counter : after.counters) {
    if (std::ranges::find(before.counters, counter) == before.counters.end()) {
      block += fmt::format("  counter {} {{\n  }}\n", counter);
    }
  }
  for (const auto& set : after.sets) {
    const auto* old = find(before.sets, set.name);
    if (old != nullptr && *old == set) continue;
    if (old != nullptr) emptied += flush(set);
    print(block, set);
  }
  for (const auto& chain : after.chains) {
    const auto* old = find(before.chains, chain.name);
    if (old != nullptr && *old == chain) continue;
    if (old != nullptr) emptied += fmt::format("flush chain {} {}\n", kTable, chain.name);
    print(block, chain);
  }
  for (const auto& chain : before.chains) {
    if (find(after.chains, chain.name) != nullptr || chain.rules.empty()) continue;
    emptied += fmt::format("flush chain {} {}\n", kTable, chain.name);
  }
  if (emptied.empty() && block.empty()) return "";
  return emptied + (block.empty() ? "" : fmt::format("table {} {{\n{}}}\n", kTable, block));
}

std::string second_emptying(const RuleTable& before, const RuleTable& after) {
  std::string emptied;
  for (const auto& set : after.sets) {
    const auto* old = find(before.sets, set.name);
    if (old != nullptr && old->epoch != set.epoch) emptied += flush(set);
  }
  return emptied;
}

}  // namespace crypelab::blueprint
