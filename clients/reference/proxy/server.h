#pragma once

#include "harness/base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::proxy {

// What a connection goes through.
struct Server {
  enum class Kind { direct, http, https, socks5 } kind = Kind::direct;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 0;
  auto operator<=>(const Server&) const = default;
};

// "http://proxy:3128", "direct://"; for people and for settings.
std::string to_string(const Server& server);
// "proxy:3128".
std::string authority_of(const std::string& host, std::uint16_t port);

// One proxy of proxyRules: "[scheme://]host[:port]" with http (when absent), https, socks5, socks (which is 5 here),
// direct; the default ports are 80, 443 and 1080. Other schemes are complaints.
Result<Server> parse_server(std::string_view text);

// What FindProxyForURL gave: "PROXY a:3128; HTTPS b:443; SOCKS5 c; DIRECT". An entry that is not understood is left
// out; nothing at all means DIRECT, as everywhere.
std::vector<Server> parse_pac_answer(std::string_view text);

}  // namespace crypelab::client::proxy
