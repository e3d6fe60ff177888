#include "harness/model/event.h"

#include <algorithm>

namespace crypelab::model {

const Value* find_field(const Event& event, std::string_view name) {
  const auto found = std::ranges::find(event.fields, name, &std::pair<std::string, Value>::first);
  return found == event.fields.end() ? nullptr : &found->second;
}

std::string_view text_field(const Event& event, std::string_view name) {
  const auto* value = find_field(event, name);
  const auto* text = value != nullptr ? std::get_if<std::string>(value) : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::lab:
      return "lab";
    case Source::client:
      return "client";
    case Source::proxy:
      return "proxy";
    case Source::turn:
      return "turn";
    case Source::signaling:
      return "signaling";
    case Source::dns:
      return "dns";
    case Source::gate:
      return "gate";
    case Source::web:
      return "web";
    case Source::rule:
      return "rule";
    case Source::measurement:
      return "measurement";
  }
  return "";
}

}  // namespace crypelab::model
