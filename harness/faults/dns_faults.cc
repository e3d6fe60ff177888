#include "harness/faults/dns_faults.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace crypelab::faults {
namespace {

constexpr std::array<std::string_view, 4> kWords{"forward", "servfail", "nxdomain", "silent"};

[[noreturn]] void complain(const std::string& option, std::string_view value) {
  throw Failure(Exit::usage, fmt::format("dns: {} '{}' is not understood", option, value));
}

Endpoint endpoint(const std::string& option, const std::string& text) {
  const auto parsed = parse_endpoint(text);
  if (!parsed) complain(option, text);
  return *parsed;
}

DnsFate fate(const std::string& option, const std::string& text) {
  const auto found = std::ranges::find(kWords, text);
  if (found == kWords.end() || found == kWords.begin()) complain(option, text);
  return static_cast<DnsFate>(found - kWords.begin());
}

}  // namespace

DnsSettings parse_dns_settings(const std::vector<std::string>& arguments) {
  DnsSettings settings;
  bool upstream = false;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const auto& option = arguments[i];
    if (i + 1 == arguments.size()) complain(option, "");
    const auto& value = arguments[i + 1];
    if (option == "--listen") {
      settings.listen.push_back(endpoint(option, value));
    } else if (option == "--upstream") {
      settings.upstream = endpoint(option, value);
      upstream = true;
    } else if (option == "--delay") {
      const auto delay = parse_duration(value);
      if (!delay) complain(option, value);
      settings.delay = *delay;
    } else if (option == "--answers") {
      settings.every = fate(option, value);
    } else if (option == "--aaaa") {
      settings.aaaa = fate(option, value);
    } else {
      complain("the option", option);
    }
  }
  if (settings.listen.empty() || !upstream) throw Failure(Exit::usage, "dns: --listen and --upstream are required");
  return settings;
}

std::string_view word(DnsFate fate) { return kWords.at(static_cast<std::size_t>(fate)); }

DnsFate fate_of(const DnsSettings& settings, const wire::DnsQuestion& question) {
  if (settings.every != DnsFate::forward) return settings.every;
  if (settings.aaaa && question.type == wire::DnsType::aaaa) return *settings.aaaa;
  return DnsFate::forward;
}

std::vector<std::uint8_t> refusal(wire::Bytes message, const wire::DnsQuestion& question, DnsFate fate) {
  if (fate == DnsFate::servfail) return wire::encode_dns_refusal(message, question, wire::DnsCode::server_failure);
  if (fate == DnsFate::nxdomain) return wire::encode_dns_refusal(message, question, wire::DnsCode::name_error);
  return {};
}

std::string printable_name(std::string_view name) {
  if (name.empty()) return ".";
  std::string out(name);
  for (char& c : out) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!plain) c = '?';
  }
  return out;
}

}  // namespace crypelab::faults
