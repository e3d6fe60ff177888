#include "harness/services/json_line.h"

#include <string>

#include <boost/json.hpp>

namespace crypelab::services {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestLine = 65'536;

std::optional<model::Value> value_of(const json::value& from) {
  if (from.is_bool()) return from.get_bool();
  if (from.is_int64()) return from.get_int64();
  if (from.is_uint64()) return static_cast<double>(from.get_uint64());
  if (from.is_double()) return from.get_double();
  if (from.is_string()) return std::string(from.get_string().data(), from.get_string().size());
  if (!from.is_array()) return std::nullopt;
  std::string joined;
  for (const auto& item : from.get_array()) {
    joined +=
        (joined.empty() ? "" : ", ") + (item.is_string() ? std::string(item.get_string()) : json::serialize(item));
  }
  return joined;
}

}  // namespace

std::optional<model::Event> event_of_json_line(std::string_view line, model::Source source) {
  if (!line.starts_with('{') || line.size() > kLongestLine) return std::nullopt;
  boost::system::error_code error;
  const auto document = json::parse(json::string_view(line.data(), line.size()), error);
  if (error || !document.is_object()) return std::nullopt;
  const auto* const kind = document.get_object().if_contains("event");
  if (kind == nullptr || !kind->is_string()) return std::nullopt;
  model::Event event;
  event.source = source;
  event.kind.assign(kind->get_string().data(), kind->get_string().size());
  for (const auto& member : document.get_object()) {
    if (member.key() == "event" || member.key() == "t") continue;
    if (auto value = value_of(member.value())) event.fields.emplace_back(std::string(member.key()), std::move(*value));
  }
  return event;
}

std::vector<model::Event> read_json_line(std::string_view line, model::Source source, std::string_view kind) {
  auto event = event_of_json_line(line, source);
  if (!event || (!kind.empty() && event->kind != kind)) return {};
  return {std::move(*event)};
}

}  // namespace crypelab::services
