#include "clients/reference/proxy/settings.h"

#include "harness/wire/text.h"

#include <array>

namespace crypelab::client::proxy {
namespace {

constexpr std::array<std::string_view, 5> modes{"direct", "auto_detect", "pac_script", "fixed_servers", "system"};

std::string value_of(const std::map<std::string, std::string>& environment, const std::string& name) {
  auto upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (const auto& one : {name, upper}) {
    const auto found = environment.find(one);
    if (found != environment.end() && !found->second.empty()) return found->second;
  }
  return {};
}

Servers servers_of(std::string_view text) {
  // Credentials in front of the host are not ours to read.
  std::string place(text);
  const auto scheme = place.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  if (const auto at = place.rfind('@'); at != std::string::npos && at >= begin) place.erase(begin, at + 1 - begin);
  if (place.starts_with("socks5h://")) place.erase(6, 1);
  auto server = parse_server(place);
  if (!server) return {};
  return {std::move(*server)};
}

}  // namespace

Result<Mode> parse_mode(std::string_view name) {
  for (std::size_t i = 0; i < modes.size(); ++i) {
    if (modes[i] == name) return static_cast<Mode>(i);
  }
  return Complaint{"'" + std::string(name.substr(0, 40)) + "' is no mode of session.setProxy()"};
}

Result<Fixed> fixed_of(const Settings& settings) {
  auto rules = Rules::parse(settings.rules);
  if (!rules) return Complaint{rules.complaint()};
  auto bypass = Bypass::parse(settings.bypass);
  if (!bypass) return Complaint{bypass.complaint()};
  return Fixed{std::move(*rules), std::move(*bypass)};
}

std::optional<Complaint> fault_of(const Settings& settings) {
  if (settings.mode == Mode::fixed_servers) {
    const auto fixed = fixed_of(settings);
    if (!fixed) return Complaint{fixed.complaint()};
  }
  if (settings.mode == Mode::pac_script) {
    for (const auto* scheme : {"http://", "https://", "file://", "data:"}) {
      if (settings.pac.starts_with(scheme)) return std::nullopt;
    }
    return Complaint{"a PAC script is named by an http, https, file or data URL"};
  }
  return std::nullopt;
}

Servers Fixed::choose(std::string_view scheme, std::string_view host, std::uint16_t port) const {
  if (bypass.matches(scheme, host, port)) return {Server{}};
  const auto& servers = rules.servers(scheme);
  return servers.empty() ? Servers{Server{}} : servers;
}

std::optional<FromEnvironment> from_environment(const std::map<std::string, std::string>& environment) {
  FromEnvironment found;
  found.pac = value_of(environment, "auto_proxy");
  bool some = !found.pac.empty();
  if (auto all = servers_of(value_of(environment, "all_proxy")); !all.empty()) {
    found.fixed.rules = Rules::of(std::move(all));
    some = true;
  } else {
    for (const auto* scheme : {"http", "https"}) {
      if (auto one = servers_of(value_of(environment, std::string(scheme) + "_proxy")); !one.empty()) {
        found.fixed.rules.set(scheme, std::move(one));
        some = true;
      }
    }
  }
  if (!some) return std::nullopt;
  found.fixed.bypass = Bypass::parse_no_proxy(value_of(environment, "no_proxy"));
  return found;
}

}  // namespace crypelab::client::proxy
