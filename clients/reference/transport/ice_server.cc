#include "clients/reference/transport/ice_server.h"

#include "harness/base/address.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <array>

namespace crypelab::client::transport {
namespace {

using Scheme = IceUri::Scheme;

constexpr std::array<std::string_view, 4> names{"stun", "stuns", "turn", "turns"};

bool is_host_char(char c) { return wire::is_alpha(c) || wire::is_digit(c) || c == '.' || c == '-' || c == '_'; }

}  // namespace

RelayedOver IceUri::over() const {
  if (scheme == Scheme::turns) return RelayedOver::tls;
  return tcp ? RelayedOver::tcp : RelayedOver::udp;
}

Result<IceUri> parse_ice_uri(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return Complaint{"'" + std::string(text.substr(0, 120)) + "': " + why};
  };
  auto rest = text;
  if (rest.find(':') == std::string_view::npos) return bad("stun:, stuns:, turn: or turns: is meant");
  const auto scheme = wire::take_until(rest, ':');
  const auto known = std::find_if(names.begin(), names.end(),
                                  [&](std::string_view name) { return wire::equal_ignoring_case(name, scheme); });
  if (known == names.end()) return bad("stun:, stuns:, turn: or turns: is meant");
  IceUri uri{.scheme = static_cast<Scheme>(known - names.begin())};
  const bool secure = uri.scheme == Scheme::stuns || uri.scheme == Scheme::turns;
  uri.port = secure ? 5349 : 3478;  // RFC 7064 §3.1, RFC 7065 §3.1
  uri.tcp = secure;
  if (const auto question = rest.find('?'); question != std::string_view::npos) {
    const auto query = rest.substr(question + 1);
    rest = rest.substr(0, question);
    if (!uri.relays()) return bad("a STUN URI has no query");
    if (wire::equal_ignoring_case(query, "transport=udp")) {
      uri.tcp = false;
    } else if (wire::equal_ignoring_case(query, "transport=tcp")) {
      uri.tcp = true;
    } else {
      return bad("transport=udp or transport=tcp is meant");
    }
  }
  std::string_view port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return bad("a bracket is open");
    const auto address = parse_address(rest.substr(1, end - 1));
    if (!address || !address->is_v6()) return bad("an IPv6 address belongs into brackets");
    uri.host = to_string(*address);
    rest.remove_prefix(end + 1);
    has_port = rest.starts_with(':');
    if (!has_port && !rest.empty()) return bad("a port follows the bracket, or nothing");
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = std::min(rest.find(':'), rest.size());
    uri.host = rest.substr(0, colon);
    has_port = colon < rest.size();
    if (has_port) port = rest.substr(colon + 1);
    const bool fine =
        !uri.host.empty() && uri.host.size() <= 253 && std::all_of(uri.host.begin(), uri.host.end(), is_host_char);
    if (!fine) return bad("a host is meant");
  }
  if (has_port) {
    const auto number = wire::parse_decimal(port, 65'535);
    if (!number || *number == 0) return bad("a port of 1 to 65535 is meant");
    uri.port = static_cast<std::uint16_t>(*number);
  }
  if (uri.scheme == Scheme::stuns && parse_address(uri.host)) {
    return bad("a stuns URI names its server: a certificate is for a name (RFC 8489 §8.1)");
  }
  return uri;
}

std::string to_string(const IceUri& uri) {
  std::string text(names[static_cast<std::size_t>(uri.scheme)]);
  text += ':';
  text += uri.host.find(':') != std::string::npos ? "[" + uri.host + "]" : uri.host;
  text += ':' + std::to_string(uri.port);
  if (uri.relays()) text += uri.tcp ? "?transport=tcp" : "?transport=udp";
  return text;
}

}  // namespace crypelab::client::transport
