#include "harness/faults/intercept_settings.h"

#include "harness/faults/settings_json.h"
#include "harness/wire/text.h"

#include <algorithm>

namespace crypelab::faults {

InterceptSettings parse_intercept(std::string_view json) {
  const auto object = parse_settings_object(json);
  SettingsReader reader(object, "intercept");
  InterceptSettings settings;
  settings.listen = reader.endpoints("listen");
  if (settings.listen.empty()) reader.complain("listen", "a list of endpoints");
  settings.certificate = reader.text("certificate");
  settings.key = reader.text("key");
  if (settings.certificate.empty()) reader.complain("certificate", "a file");
  if (settings.key.empty()) reader.complain("key", "a file");
  settings.trusted = reader.text("trusted");
  for (const auto& value : reader.list("exempt")) {
    if (!value.is_string()) reader.complain("exempt", "a list of names");
    settings.exempt.emplace_back(value.get_string());
  }
  settings.http_only = reader.flag("http_only");
  settings.patience = reader.time("patience_ms").value_or(settings.patience);
  reader.finish();
  return settings;
}

bool is_exempt(const InterceptSettings& settings, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::ranges::any_of(settings.exempt, [name](std::string_view known) {
    if (!known.starts_with("*.")) return wire::equal_ignoring_case(name, known);
    known.remove_prefix(1);
    return name.size() > known.size() && wire::equal_ignoring_case(name.substr(name.size() - known.size()), known);
  });
}

}  // namespace crypelab::faults
