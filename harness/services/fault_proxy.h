#pragma once

#include "harness/services/proxy.h"

#include <string_view>
#include <vector>

// The proxy of our own (crypelab-faults proxy), for what Squid cannot be made to do.
namespace crypelab::services {

// `settings.proxy.faults` is there.
Process fault_proxy(const ProxySettings& settings);

// What a line of its log says, as one event of source `proxy`; kinds and fields as in services/squid.h, besides:
//   tunnel-opened  client, target, upstream, status
//   tunnel-closed  client, target, user, received, sent, milliseconds, reason (client, upstream, error, lifetime, idle,
//                  bytes, credentials-expired)
//   answered       also verdict: absent, wrong, stale, expired, unsupported, malformed
//   withheld       client, target: admitted, and never answered
//   malformed      client, reason
//   down, up       connections are refused, and taken again
std::vector<model::Event> read_fault_proxy_log(std::string_view line);

}  // namespace crypelab::services
