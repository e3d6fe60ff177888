#pragma once

#include "harness/base/address.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

// Reading the settings of our servers. What is missing, of another kind or unknown is a Failure{data} that names it.
namespace crypelab::faults {

class SettingsReader {
 public:
  // `where` names the object in messages. Every key that is never asked for is an error in `finish`.
  SettingsReader(const boost::json::object& object, std::string where);

  std::string text(std::string_view key);                                       // empty when absent
  std::optional<std::int64_t> number(std::string_view key, std::int64_t most);  // 0 to `most`
  std::optional<std::chrono::milliseconds> time(std::string_view key);          // a number of milliseconds
  bool flag(std::string_view key);
  const boost::json::object* object(std::string_view key);
  std::vector<boost::json::value> list(std::string_view key);
  std::vector<Endpoint> endpoints(std::string_view key);
  // Throws when a key was never asked for.
  void finish() const;
  [[noreturn]] void complain(std::string_view key, std::string_view wanted) const;

 private:
  const boost::json::value* find(std::string_view key);

  const boost::json::object* object_;
  std::string where_;
  std::vector<std::string> known_;
};

// One JSON object, nothing behind it.
boost::json::object parse_settings_object(std::string_view json);
// A whole file, at most 1 MiB.
std::string read_settings_file(const std::string& path);

}  // namespace crypelab::faults
