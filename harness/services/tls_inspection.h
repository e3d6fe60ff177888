#pragma once

#include "harness/model/tls_inspection.h"
#include "harness/services/process.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The boxes at a site's edge that take TLS connections: one that opens them (crypelab-faults intercept, ours), and one
// that ends their TCP and nothing else (haproxy).
namespace crypelab::services {

inline constexpr std::uint16_t kTlsInspectionPort = 3140;
inline constexpr std::uint16_t kTlsRelayPort = 3141;

struct TlsBoxSettings {
  std::string process;  // "office.tls-inspection"
  std::string host;
  std::vector<Address> listen;  // where the rules lead connections
};

Process tls_inspection(const TlsBoxSettings& settings, const model::TlsInspection& inspection);
// IPv4 alone: haproxy asks the kernel for nothing else where a redirected connection was going.
Process tls_relay(const TlsBoxSettings& settings, const model::TlsRelay& relay);

// What a line of the log of a TLS inspection says, as one event of source `gate`; kinds and fields:
// faults/intercept_server.h.
std::vector<model::Event> read_inspection_log(std::string_view line);
// The same of a relay: "relayed" (client, server, sni, received, sent, milliseconds) at the end of a connection that
// was let through, "decision" (client, server, sni, verdict "close") for one that was not.
std::vector<model::Event> read_relay_log(std::string_view line);

}  // namespace crypelab::services
