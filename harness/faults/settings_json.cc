#include "harness/faults/settings_json.h"

#include "harness/base/error.h"

#include <algorithm>
#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace crypelab::faults {
namespace {

constexpr std::size_t kLargestFile = 1U << 20U;
constexpr std::int64_t kLongestTime = 30LL * 24 * 3600 * 1000;

}  // namespace

SettingsReader::SettingsReader(const boost::json::object& object, std::string where)
    : object_(&object), where_(std::move(where)) {}

void SettingsReader::complain(std::string_view key, std::string_view wanted) const {
  throw Failure(Exit::data, fmt::format("settings: {}.{} must be {}", where_, key, wanted));
}

const boost::json::value* SettingsReader::find(std::string_view key) {
  known_.emplace_back(key);
  return object_->if_contains(key);
}

std::string SettingsReader::text(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_string()) complain(key, "a text");
  return std::string(value->get_string());
}

std::optional<std::int64_t> SettingsReader::number(std::string_view key, std::int64_t most) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_int64() || value->get_int64() < 0 || value->get_int64() > most) {
    complain(key, fmt::format("a number from 0 to {}", most));
  }
  return value->get_int64();
}

std::optional<std::chrono::milliseconds> SettingsReader::time(std::string_view key) {
  if (const auto value = number(key, kLongestTime)) return std::chrono::milliseconds(*value);
  return std::nullopt;
}

bool SettingsReader::flag(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return false;
  if (!value->is_bool()) complain(key, "true or false");
  return value->get_bool();
}

const boost::json::object* SettingsReader::object(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) complain(key, "an object");
  return &value->get_object();
}

std::vector<boost::json::value> SettingsReader::list(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_array()) complain(key, "a list");
  return {value->get_array().begin(), value->get_array().end()};
}

std::vector<Endpoint> SettingsReader::endpoints(std::string_view key) {
  std::vector<Endpoint> all;
  for (const auto& value : list(key)) {
    const auto endpoint = parse_endpoint(value.is_string() ? std::string_view(value.get_string()) : "");
    if (!endpoint) complain(key, "a list of endpoints");
    all.push_back(*endpoint);
  }
  return all;
}

void SettingsReader::finish() const {
  for (const auto& member : *object_) {
    if (std::ranges::find(known_, member.key()) == known_.end()) {
      throw Failure(Exit::data, fmt::format("settings: {}.{} is not known", where_, std::string(member.key())));
    }
  }
}

boost::json::object parse_settings_object(std::string_view json) {
  boost::system::error_code error;
  auto value = boost::json::parse(json, error);
  if (error) throw Failure(Exit::data, "settings: not JSON: " + error.message());
  if (!value.is_object()) throw Failure(Exit::data, "settings: not a JSON object");
  return std::move(value.get_object());
}

std::string read_settings_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_errno("open " + path);
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) throw Failure(Exit::data, path + " is larger than 1 MiB");
  return text;
}

}  // namespace crypelab::faults
