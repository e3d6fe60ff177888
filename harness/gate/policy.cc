#include "harness/gate/policy.h"

#include "harness/wire/text.h"

#include <algorithm>
#include <exception>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::gate {
namespace {

namespace json = boost::json;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), wire::lower);
  return out;
}

std::vector<std::string> texts(const json::value& list) {
  std::vector<std::string> out;
  for (const auto& item : list.as_array()) out.emplace_back(item.as_string());
  return out;
}

Policy policy_of(const json::object& from) {
  Policy policy;
  policy.name = from.at("name").as_string();
  for (const auto& kind : from.at("inside").as_array()) {
    if (kind.as_string() == "tls") policy.tls = true;
    if (kind.as_string() == "http") policy.http = true;
  }
  policy.name_required = from.at("name-required").as_bool();
  if (const auto* names = from.if_contains("names")) {
    policy.names.emplace();
    for (const auto& name : texts(*names)) policy.names->push_back(lower(name));
  }
  policy.protocols = texts(from.at("protocols"));
  const auto otherwise = from.at("otherwise").as_string();
  policy.otherwise = otherwise == "reset"  ? Policy::Otherwise::reset
                     : otherwise == "pass" ? Policy::Otherwise::pass
                                           : Policy::Otherwise::drop;
  return policy;
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view text) {
  try {
    const auto document = json::parse(text);
    Configuration configuration;
    configuration.queue = document.at("queue").to_number<std::uint16_t>();
    for (const auto& policy : document.at("policies").as_array()) {
      configuration.policies.emplace(policy.at("number").to_number<std::uint32_t>(), policy_of(policy.as_object()));
    }
    return configuration;
  } catch (const std::exception& error) {
    return Complaint{fmt::format("the gate's configuration: {}", error.what())};
  }
}

bool covers(const std::vector<std::string>& names, std::string_view name) {
  auto asked = lower(name);
  if (asked.ends_with('.')) asked.pop_back();
  return std::ranges::any_of(names, [&asked](const std::string& known) {
    if (!known.starts_with("*.")) return asked == known;
    return asked.size() > known.size() - 1 && asked.ends_with(std::string_view(known).substr(1));
  });
}

}  // namespace crypelab::gate
