#pragma once

#include "harness/faults/web_server.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// A captive portal at a site's edge: who has not signed in is led here, whatever it asked for.
namespace crypelab::faults {

struct PortalSettings {
  WebPlaces places;
  std::string name;                                   // "portal.hotel.test": what the login page is called
  std::vector<Prefix> networks;                       // of those who must sign in
  std::optional<std::chrono::milliseconds> released;  // so long after the start everybody may go on
  std::optional<std::chrono::milliseconds> session;   // how long a login lasts; absent: for ever
  std::optional<std::chrono::milliseconds> closes;    // so long after the start nobody may go on who was released
};

// From JSON: {"listen", "tls_listen", "certificate", "key", "name", "networks": ["10.0.0.0/24"], "released_ms",
// "session_ms", "closes_ms"}. Throws Failure{data}.
PortalSettings parse_portal(std::string_view json);

struct PortalAnswer {
  WebReply reply;
  bool login = false;  // the client may go on from now on
};
// The login page under its own name (a POST to /login signs in), and a 302 to it under every other name.
PortalAnswer answer_portal(const PortalSettings& settings, const WebRequest& request);

// The nft command that lets a client, or everybody in a network, pass: an element of the sets portal_hosts4,
// portal_hosts6, portal_networks4, portal_networks6 of `table inet crypelab`.
std::string release_command(const Address& client, std::optional<std::chrono::milliseconds> session);
std::string release_command(const Prefix& network);
// Takes everybody in again who was released, one by one or with a network.
std::string close_command();

}  // namespace crypelab::faults
