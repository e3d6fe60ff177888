#pragma once

#include "clients/reference/proxy/bypass.h"
#include "clients/reference/proxy/rules.h"

#include <map>
#include <optional>
#include <string>

namespace crypelab::client::proxy {

enum class Mode { direct, auto_detect, pac_script, fixed_servers, system };

// As Electron's session.setProxy() has them.
struct Settings {
  Mode mode = Mode::system;
  std::string rules;   // fixed_servers
  std::string bypass;  // fixed_servers
  std::string pac;     // pac_script: http(s), file and data URLs
  bool operator==(const Settings&) const = default;
};

// "fixed_servers" ...
Result<Mode> parse_mode(std::string_view name);
// What is wrong with them, if something is.
std::optional<Complaint> fault_of(const Settings& settings);

// Proxies by list, as `fixed_servers` or the environment give them.
struct Fixed {
  Rules rules;
  Bypass bypass;
  Servers choose(std::string_view scheme, std::string_view host, std::uint16_t port) const;
};
Result<Fixed> fixed_of(const Settings& settings);

// The machine's own setting by http_proxy, https_proxy, all_proxy, no_proxy and auto_proxy (a PAC file), in lower or
// upper case; absent when none of them is set. A proxy that is not understood is left out.
struct FromEnvironment {
  std::string pac;
  Fixed fixed;
};
std::optional<FromEnvironment> from_environment(const std::map<std::string, std::string>& environment);

}  // namespace crypelab::client::proxy
