#include "harness/scenario/read_value.h"

#include "harness/model/world.h"

#include <algorithm>
#include <charconv>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kLongestQuantity = 64;
constexpr std::size_t kLongestName = 63;

// What the YAML core schema (1.2.2, section 10.3.2) would not read as text.
bool reads_as_other_than_text(const std::string& text) {
  static const std::vector<std::string_view> words{"true", "True", "TRUE", "false", "False", "FALSE"};
  if (std::ranges::find(words, text) != words.end()) return true;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && std::ranges::any_of(text, digit) &&
         text.find_first_not_of("0123456789+-.eExXo") == std::string::npos;
}

// "what is wrong; what to do" is how base/ complains.
void complain(const Position& at, const std::string& complaint, Problems& problems) {
  const auto semicolon = complaint.rfind("; ");
  if (semicolon == std::string::npos) {
    problems.add(at, complaint);
  } else {
    problems.add(at, complaint.substr(0, semicolon), complaint.substr(semicolon + 2));
  }
}

template <class Parse>
auto read_quantity(const Node& node, std::string_view what, Parse parse, Problems& problems)
    -> std::optional<std::decay_t<decltype(*parse(std::string_view()))>> {
  if (!expect_scalar(node, what, problems)) return std::nullopt;
  if (node.text.size() > kLongestQuantity) {
    problems.add(node.at, in_quotes(node.text) + " is not " + std::string(what));
    return std::nullopt;
  }
  const auto value = parse(node.text);
  if (value) return *value;
  complain(node.at, value.complaint(), problems);
  return std::nullopt;
}

std::optional<Prefix> with_clear_host_bits(const Node& node, const Prefix& prefix, Problems& problems) {
  if (prefix.network() == prefix.address) return prefix;
  problems.add(node.at, in_quotes(node.text) + " has bits set beyond its prefix length",
               "did you mean '" + to_string(Prefix{prefix.network(), prefix.length}) + "'?");
  return std::nullopt;
}

}  // namespace

std::string found(const Node& node) {
  switch (node.kind) {
    case Node::Kind::list:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
    case Node::Kind::empty:
      return "nothing";
    default:
      return in_quotes(node.text);
  }
}

bool expect_scalar(const Node& node, std::string_view what, Problems& problems) {
  if (node.kind == Node::Kind::scalar) return true;
  if (node.kind != Node::Kind::refused) {
    problems.add(node.at, "expected " + std::string(what) + ", found " + found(node));
  }
  return false;
}

Mapping::Mapping(const Node& node, Words known, std::string_view what, Problems& problems)
    : what_(what), problems_(&problems) {
  if (node.kind == Node::Kind::refused) return;
  const std::vector<std::string_view> words(known.begin(), known.end());
  if (node.kind != Node::Kind::mapping) {
    problems.add(node.at, "expected " + what_ + ", found " + found(node),
                 node.kind == Node::Kind::empty ? "write {} for one without settings" : "its words: " + join(words));
    return;
  }
  node_ = &node;
  for (const auto& entry : node.entries) {
    if (std::ranges::find(words, entry.key) != words.end()) continue;
    const std::string guess = did_you_mean(entry.key, words);
    problems.add(entry.at, in_quotes(entry.key) + " is not a word of " + what_,
                 guess.empty() ? "its words: " + join(words) : guess);
  }
}

const Node* Mapping::find(std::string_view key) const {
  const Node* node = node_ == nullptr ? nullptr : node_->find(key);
  return node == nullptr || node->kind == Node::Kind::refused ? nullptr : node;
}

const Node* Mapping::require(std::string_view key, std::string_view example) const {
  if (node_ == nullptr) return nullptr;
  if (node_->find(key) == nullptr) {
    problems_->add(node_->at, "'" + std::string(key) + "' is missing in " + what_,
                   "write it like " + std::string(example));
    return nullptr;
  }
  return find(key);
}

std::optional<std::string> read_text(const Node& node, std::string_view what, Problems& problems) {
  if (!expect_scalar(node, what, problems)) return std::nullopt;
  if (node.plain && reads_as_other_than_text(node.text)) {
    problems.add(node.at, in_quotes(node.text) + " is not text for YAML", "put it in quotes");
    return std::nullopt;
  }
  if (node.text.find_first_not_of(" \n") == std::string::npos) {
    problems.add(node.at, "expected " + std::string(what) + ", found empty text");
    return std::nullopt;
  }
  std::string text = node.text;
  while (text.back() == '\n' || text.back() == ' ') text.pop_back();
  return text;
}

bool check_name(const std::string& name, const Position& at, std::string_view what, Problems& problems) {
  static const std::vector<std::string_view> yaml{"true", "false", "null", "yes", "no", "on", "off"};
  const auto legal = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  const std::string subject = in_quotes(name) + " cannot name " + std::string(what);
  if (name.empty() || !std::ranges::all_of(name, legal) || name.front() < 'a' || name.back() == '-') {
    problems.add(at, subject, "a name has small letters, digits and '-', and begins with a letter");
    return false;
  }
  if (name.size() > kLongestName) {
    problems.add(at, subject, "at most " + std::to_string(kLongestName) + " characters");
    return false;
  }
  if (std::ranges::find(yaml, name) != yaml.end()) {
    problems.add(at, subject, "YAML has a meaning of its own for it");
    return false;
  }
  for (const auto& host : model::world_hosts()) {
    if (host.name == name) {
      problems.add(at, subject, "the standard world has a host of that name");
      return false;
    }
  }
  return true;
}

std::optional<std::string> read_name(const Node& node, std::string_view what,
                                     const std::vector<std::string_view>& known, Problems& problems) {
  if (!expect_scalar(node, "the name of " + std::string(what), problems)) return std::nullopt;
  if (std::ranges::find(known, node.text) != known.end()) return node.text;
  const std::string guess = did_you_mean(node.text, known);
  const std::string all = known.empty() || known.size() > 12 ? "" : "known: " + join(known);
  problems.add(node.at, "there is no " + std::string(what.substr(what.find(' ') + 1)) + " " + in_quotes(node.text),
               guess.empty() ? all : guess);
  return std::nullopt;
}

std::optional<bool> read_boolean(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "true or false", problems)) return std::nullopt;
  if (node.plain && node.text == "true") return true;
  if (node.plain && node.text == "false") return false;
  std::string lower = node.text;
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  static const std::vector<std::string_view> positive{"true", "yes", "on", "y", "1"};
  static const std::vector<std::string_view> negative{"false", "no", "off", "n", "0"};
  std::string hint = "write true or false, without quotes";
  if (std::ranges::find(positive, lower) != positive.end()) hint = "write true";
  if (std::ranges::find(negative, lower) != negative.end()) hint = "write false";
  problems.add(node.at, in_quotes(node.text) + " is not true or false", hint);
  return std::nullopt;
}

std::optional<std::uint32_t> read_number(const Node& node, std::string_view what, Range<std::uint32_t> range,
                                         Problems& problems) {
  if (!expect_scalar(node, what, problems)) return std::nullopt;
  std::uint32_t value = 0;
  const auto* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, value);
  const std::string limits = std::to_string(range.least) + " to " + std::to_string(range.most);
  const bool digits = !node.text.empty() && node.text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !node.plain || (node.text.size() > 1 && node.text[0] == '0')) {
    problems.add(node.at, in_quotes(node.text) + " is not " + std::string(what),
                 "write a whole number without unit and quotes, " + limits);
    return std::nullopt;
  }
  if (error != std::errc{} || stop != end || value < range.least || value > range.most) {
    problems.add(node.at, in_quotes(node.text) + " is out of range for " + std::string(what), limits);
    return std::nullopt;
  }
  return value;
}

std::optional<Duration> read_duration(const Node& node, std::string_view what, Range<Duration> range,
                                      Problems& problems) {
  const auto value = read_quantity(node, "a duration", parse_duration, problems);
  if (!value || (*value >= range.least && *value <= range.most)) return value;
  problems.add(node.at, in_quotes(node.text) + " is out of range for " + std::string(what),
               crypelab::to_string(range.least) + " to " + crypelab::to_string(range.most));
  return std::nullopt;
}

std::optional<BitRate> read_rate(const Node& node, Problems& problems) {
  const auto value = read_quantity(node, "a rate", parse_bit_rate, problems);
  if (!value || value->bits_per_second > 0) return value;
  problems.add(node.at, "a rate of nothing",
               "to cut the link, write a step with 'uplink: down'; to block traffic, use egress");
  return std::nullopt;
}

std::optional<ByteCount> read_bytes(const Node& node, std::string_view what, Problems& problems) {
  const auto value = read_quantity(node, what, parse_byte_count, problems);
  if (!value || value->bytes > 0) return value;
  problems.add(node.at, in_quotes(node.text) + " is out of range for " + std::string(what), "at least 1B");
  return std::nullopt;
}

std::optional<Ratio> read_share(const Node& node, Problems& problems) {
  return read_quantity(node, "a share", parse_ratio, problems);
}

std::optional<Address> read_address(const Node& node, Problems& problems) {
  return read_quantity(node, "an address", parse_address, problems);
}

std::optional<Prefix> read_prefix(const Node& node, Problems& problems) {
  const auto prefix = read_quantity(node, "a prefix", parse_prefix, problems);
  return prefix ? with_clear_host_bits(node, *prefix, problems) : std::nullopt;
}

std::optional<Prefix> read_prefix_or_address(const Node& node, Problems& problems) {
  if (node.kind == Node::Kind::scalar && node.text.find('/') == std::string::npos) {
    const auto address = read_address(node, problems);
    if (!address) return std::nullopt;
    return Prefix{*address, address->bits()};
  }
  return read_prefix(node, problems);
}

std::vector<const Node*> read_some(const Node& node, std::string_view what, std::size_t most, Problems& problems) {
  if (node.kind == Node::Kind::refused) return {};
  if (node.kind != Node::Kind::list) return {&node};
  if (node.items.empty())
    problems.add(node.at, "an empty list of " + std::string(what), "leave the word out, or name at least one");
  if (node.items.size() > most) {
    problems.add(node.at, "a list of more than " + std::to_string(most) + " " + std::string(what));
    return {};
  }
  std::vector<const Node*> items;
  for (const auto& item : node.items) items.push_back(&item);
  return items;
}

}  // namespace crypelab::scenario
