#pragma once

#include "harness/model/pac.h"
#include "harness/services/process.h"

#include <string>
#include <string_view>
#include <vector>

// The web server of a site that says which proxies to use (crypelab-faults files, ours).
namespace crypelab::services {

struct PacServerSettings {
  std::string process;  // "office.pac"
  std::string host;
  model::Pac pac;
};

inline constexpr const char* kPacPath = "/proxy.pac";
inline constexpr const char* kWpadPath = "/wpad.dat";

// Not for a server that is stopped.
Process pac_server(const PacServerSettings& settings);

// What a line of a web server of ours says, as one event of source `web`: request (client, method, path, host, agent,
// tls), answered (client, path, status, milliseconds), malformed (client, reason), handshake-failed (client, sni,
// reason), released and closed (of a portal: client, by, succeeded).
std::vector<model::Event> read_web_log(std::string_view line);

}  // namespace crypelab::services
