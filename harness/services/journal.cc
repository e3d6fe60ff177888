#include "harness/services/journal.h"

#include <boost/json/parse.hpp>

namespace crypelab::services {
namespace {

constexpr std::size_t kLongestLine = 65'536;

std::string text_of(const boost::json::string& text) { return {text.data(), text.size()}; }

}  // namespace

std::vector<model::Event> read_journal(std::string_view line, model::Source source) {
  if (!line.starts_with('{') || line.size() > kLongestLine) return {};
  boost::system::error_code error;
  const auto value = boost::json::parse(line, error);
  if (error || !value.is_object()) return {};
  const auto* kind = value.get_object().if_contains("event");
  if (kind == nullptr || !kind->is_string()) return {};
  model::Event event;
  event.source = source;
  event.kind = text_of(kind->get_string());
  for (const auto& member : value.get_object()) {
    std::string name(member.key());
    if (name == "event") continue;
    if (const auto* text = member.value().if_string()) event.fields.emplace_back(std::move(name), text_of(*text));
    if (const auto* number = member.value().if_int64()) event.fields.emplace_back(std::move(name), *number);
    if (const auto* real = member.value().if_double()) event.fields.emplace_back(std::move(name), *real);
    if (const auto* flag = member.value().if_bool()) event.fields.emplace_back(std::move(name), *flag);
  }
  return {std::move(event)};
}

}  // namespace crypelab::services
