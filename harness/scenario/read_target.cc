#include "harness/scenario/read_target.h"

#include "harness/model/world.h"

#include <algorithm>
#include <charconv>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostPorts = 64;

// RFC 1035 section 2.3.1 as relaxed by RFC 1123, "_" as seen in the wild; "*." in front covers the subdomains.
bool is_domain(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253 || name.find('.') == std::string_view::npos) return false;
  while (true) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    const auto legal = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, legal)) return false;
    if (dot == std::string_view::npos) return label.find_first_not_of("0123456789") != std::string_view::npos;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace

std::optional<model::PortRange> read_ports(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "a port or a range like 1000-2000", problems)) return std::nullopt;
  const std::string_view text = node.text;
  const auto dash = text.find('-');
  const auto port = [](std::string_view digits) -> std::uint16_t {
    std::uint16_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && stop == digits.data() + digits.size() ? value : std::uint16_t{0};
  };
  const std::uint16_t first = port(text.substr(0, dash));
  const std::uint16_t last = dash == std::string_view::npos ? first : port(text.substr(dash + 1));
  if (first == 0 || last < first) {
    problems.add(node.at, in_quotes(text) + " is not a port or a range of ports",
                 "1 to 65535; a range is written like 1000-2000");
    return std::nullopt;
  }
  return model::PortRange{first, last};
}

std::vector<model::PortRange> read_port_list(const Node& node, Problems& problems) {
  std::vector<model::PortRange> ranges;
  for (const Node* item : read_some(node, "ports", kMostPorts, problems)) {
    if (const auto range = read_ports(*item, problems)) ranges.push_back(*range);
  }
  return ranges;
}

std::optional<std::string> read_domain(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "a domain", problems)) return std::nullopt;
  if (!is_domain(node.text)) {
    problems.add(node.at, in_quotes(node.text) + " is not a domain",
                 "write it like turn.example.com, or *.example.com for all below it; addresses stand under to:");
    return std::nullopt;
  }
  std::string name = node.text;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  // A customer's list is taken as it is; but what claims to be of the standard world must be there.
  if (name.ends_with(".crype.test") && !name.starts_with("*.") && model::find_world_name(name) == nullptr) {
    std::vector<std::string_view> names;
    for (const auto& known : model::world_names()) names.push_back(known.name);
    return read_name(node, "a name of the standard world", names, problems);
  }
  return name;
}

}  // namespace crypelab::scenario
