#include "harness/lab/flat_json.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::lab {
namespace {

namespace json = boost::json;

void flatten(const std::string& path, const json::value& value, Fields& fields) {
  const auto add = [&](model::Value plain) { fields.emplace_back(path, std::move(plain)); };
  switch (value.kind()) {
    case json::kind::null:
      break;
    case json::kind::bool_:
      add(value.get_bool());
      break;
    case json::kind::int64:
      add(value.get_int64());
      break;
    case json::kind::uint64:
      add(static_cast<double>(value.get_uint64()));
      break;
    case json::kind::double_:
      add(value.get_double());
      break;
    case json::kind::string:
      add(std::string(value.get_string()));
      break;
    case json::kind::array:
      for (std::size_t i = 0; i < value.get_array().size(); ++i) {
        flatten(fmt::format("{}.{}", path, i), value.get_array()[i], fields);
      }
      break;
    case json::kind::object:
      for (const auto& [key, member] : value.get_object()) {
        flatten(fmt::format("{}.{}", path, std::string_view(key)), member, fields);
      }
      break;
  }
}

}  // namespace

Result<Fields> flat_members(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return Complaint{"not JSON: " + error.message()};
  const auto* object = value.if_object();
  if (object == nullptr) return Complaint{"not a JSON object"};
  Fields fields;
  for (const auto& [key, member] : *object) flatten(std::string(key), member, fields);
  return fields;
}

}  // namespace crypelab::lab
