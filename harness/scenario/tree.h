#pragma once

#include "harness/scenario/problem.h"
#include "harness/scenario/source.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::scenario {

struct Entry;

// A YAML document as it stands in the file, every part with its place. Scalars stay text: what they mean is decided by
// who reads them. Anchors, aliases, tags, merge keys, duplicate keys and keys that are no words never get in here.
struct Node {
  enum class Kind {
    empty,    // nothing, "~" or "null"
    scalar,   // `text`
    list,     // `items`
    mapping,  // `entries`, in the order of the file
    refused,  // already complained about: readers skip it in silence
  };
  Kind kind = Kind::empty;
  Position at;
  std::string text;
  bool plain = true;  // a scalar without quotes, not a block
  std::vector<Node> items;
  std::vector<Entry> entries;

  // The value of `key` in a mapping, or nullptr.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
};

struct Entry {
  std::string key;
  Position at;
  Node value;
};

// Limits on what is read at all.
inline constexpr std::size_t kMostBytes = 1 << 20;
inline constexpr std::size_t kMostLines = 20'000;
inline constexpr std::size_t kLongestLine = 4'000;
inline constexpr std::size_t kDeepest = 24;
inline constexpr std::size_t kMostNodes = 25'000;

// The one document of `source`; nothing when it cannot be read as YAML or breaks a limit. Every complaint goes to
// `problems`. The tree points into `source`.
std::optional<Node> parse_tree(const Source& source, Problems& problems);

// The place of the value at `path` (keys from the root on); of the deepest part of it that is there.
Position place(const Node& root, std::initializer_list<std::string_view> path);
// The same for the key that the value belongs to.
Position place_of_key(const Node& root, std::initializer_list<std::string_view> path);

}  // namespace crypelab::scenario
