#pragma once

#include "harness/services/proxy.h"

#include <string_view>
#include <vector>

// Squid (5.7 or later, with OpenSSL): CONNECT, authentication, access lists, limits, interception.
namespace crypelab::services {

// `lifetime` is not for it: its client_lifetime does not end a tunnel in which something moves.
Process squid(const ProxySettings& settings);

// Where a transparent Squid takes redirected connections.
inline constexpr std::uint16_t kInterceptedHttp = 3129;
inline constexpr std::uint16_t kInterceptedTls = 3130;

// What a line of its log says, as one event of source `proxy`:
//   request        the head of a request has arrived: client, method, target, scheme and step of the credentials that
//   it
//                  carried (never the credentials), agent, host, alpn, proxy-connection, upgrade
//   admitted       access lists and authentication let it through, the upstream is being asked: client, method, target,
//   user tunnel-closed  a tunnel has ended: as below answered       anything else has been answered: client, method,
//   target, status, outcome, hierarchy, upstream, user,
//                  scheme, offered (the schemes of Proxy-Authenticate, in order), received, sent (bytes, client's
//                  side), milliseconds, sni, bump
// A tunnel is open from `admitted` on, unless `answered` follows: Squid itself writes nothing when a tunnel opens.
std::vector<model::Event> read_squid_log(std::string_view line);

}  // namespace crypelab::services
