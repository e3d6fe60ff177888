#include "harness/services/json_line.h"

#include <string>

#include <boost/json.hpp>

namespace crypelab::services {
namespace {

namespace json = boost::json;

model::Value value_of(const json::value& from) {
  if (from.is_bool()) return from.as_bool();
  if (from.is_int64()) return from.as_int64();
  if (from.is_uint64()) return static_cast<std::int64_t>(from.as_uint64());
  if (from.is_double()) return from.as_double();
  if (from.is_string()) return std::string(from.as_string());
  if (!from.is_array()) return json::serialize(from);
  std::string joined;
  for (const auto& item : from.as_array()) {
    joined += (joined.empty() ? "" : ", ") + (item.is_string() ? std::string(item.as_string()) : json::serialize(item));
  }
  return joined;
}

}  // namespace

std::vector<model::Event> read_json_line(std::string_view line, model::Source source, std::string_view kind) {
  boost::system::error_code error;
  const auto document = json::parse(json::string_view(line.data(), line.size()), error);
  if (error || !document.is_object()) return {};
  const auto* what = document.as_object().if_contains("event");
  if (what == nullptr || !what->is_string() || std::string_view(what->as_string()) != kind) return {};
  model::Event event;
  event.source = source;
  event.kind = kind;
  for (const auto& [name, value] : document.as_object()) {
    if (name != "event") event.fields.emplace_back(std::string(name), value_of(value));
  }
  return {std::move(event)};
}

}  // namespace crypelab::services
