#pragma once

#include "harness/base/address.h"
#include "harness/base/units.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/spelling.h"
#include "harness/scenario/tree.h"
#include "harness/scenario/vocabulary.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// One value each: nothing, and a complaint, where it is not what was asked for. `what` names it: "a delay".
namespace crypelab::scenario {

// A mapping whose keys are known: complains about what is no mapping and about unknown keys.
class Mapping {
 public:
  Mapping(const Node& node, Words known, std::string_view what, Problems& problems);

  bool ok() const { return node_ != nullptr; }
  // The value of `key`, or nullptr: absent, or already complained about.
  const Node* find(std::string_view key) const;
  // The same, and a complaint when it is absent.
  const Node* require(std::string_view key, std::string_view example) const;

 private:
  const Node* node_ = nullptr;
  std::string what_;
  Problems* problems_;
};

template <class T>
struct Range {
  T least;
  T most;
};

std::optional<std::string> read_text(const Node& node, std::string_view what, Problems& problems);
// A name of a site, a client: [a-z][a-z0-9-]*, at most 63 characters, nothing that the world already has.
bool check_name(const std::string& name, const Position& at, std::string_view what, Problems& problems);
// A reference to one of `known`.
std::optional<std::string> read_name(const Node& node, std::string_view what,
                                     const std::vector<std::string_view>& known, Problems& problems);
std::optional<bool> read_boolean(const Node& node, Problems& problems);
std::optional<std::uint32_t> read_number(const Node& node, std::string_view what, Range<std::uint32_t> range,
                                         Problems& problems);
std::optional<Duration> read_duration(const Node& node, std::string_view what, Range<Duration> range,
                                      Problems& problems);
std::optional<BitRate> read_rate(const Node& node, Problems& problems);
std::optional<ByteCount> read_bytes(const Node& node, std::string_view what, Problems& problems);
std::optional<Ratio> read_share(const Node& node, Problems& problems);
std::optional<Address> read_address(const Node& node, Problems& problems);
// The host bits must be clear.
std::optional<Prefix> read_prefix(const Node& node, Problems& problems);
// The same, or an address, which stands for itself alone.
std::optional<Prefix> read_prefix_or_address(const Node& node, Problems& problems);

// The items of a list, or the one value that stands in its place. Empty, and a complaint, for an empty list.
std::vector<const Node*> read_some(const Node& node, std::string_view what, std::size_t most, Problems& problems);

// True for a scalar; complains otherwise: "expected `what`, found a list".
bool expect_scalar(const Node& node, std::string_view what, Problems& problems);

std::string found(const Node& node);

template <class T, std::size_t N>
std::optional<T> read_word(const Node& node, std::string_view what, const std::array<Word<T>, N>& words,
                           Problems& problems) {
  if (!expect_scalar(node, what, problems)) return std::nullopt;
  std::vector<std::string_view> names;
  for (const auto& word : words) {
    if (word.name == node.text) return word.value;
    names.push_back(word.name);
  }
  const std::string guess = did_you_mean(node.text, names);
  problems.add(node.at, in_quotes(node.text) + " is not " + std::string(what),
               guess.empty() ? "one of: " + join(names) : guess);
  return std::nullopt;
}

template <class T, class V>
void assign(T& target, std::optional<V> value) {
  if (value) target = std::move(*value);
}

}  // namespace crypelab::scenario
