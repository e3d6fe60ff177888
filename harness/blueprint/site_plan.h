#pragma once

#include "harness/model/scenario.h"

#include <optional>
#include <string>
#include <vector>

// Names and addresses of everything around one site: worked out once, so that hosts, rules and programs agree.
namespace crypelab::blueprint {

struct ClientPort {  // a client's place in a site
  const model::Client* client = nullptr;
  unsigned interface = 0;  // its eth0, eth1, ...
  std::string port;        // of the edge's bridge
  std::optional<Prefix> address4;
  std::optional<Prefix> address6;
};

// A server of the site's own: a host in its LAN with a name that the site's resolver knows.
struct SiteServer {
  std::string host;       // "office.proxy"
  std::string full_name;  // "proxy.office.test"
  std::string port;       // of the edge's bridge
  std::optional<Prefix> address4;
  std::optional<Prefix> address6;
  std::vector<std::string> other_names;  // that the site's resolver knows it by, too
  bool own_egress = false;               // what it sends is not subject to the rules for everybody else
};

struct SitePlan {
  const model::Site* site = nullptr;
  unsigned index = 0;
  std::string edge;     // "office.edge"
  std::string carrier;  // "office.carrier", or empty

  std::optional<Prefix> lan4;  // the edge's own address in the LAN, with the subnet's length
  std::optional<Prefix> lan6;
  std::vector<ClientPort> ports;
  std::vector<SiteServer> servers;

  // The cable to the internet: its two ends, and the same between edge and carrier.
  std::string internet_interface;  // at the internet's end
  Prefix public4;                  // of the edge, or of the carrier if there is one
  Prefix internet4;
  std::optional<Prefix> public6;
  std::optional<Prefix> internet6;
  Prefix inner4;        // of the edge's wan0 behind a carrier
  Prefix carrier_lan4;  // of the carrier's lan0
  std::optional<Prefix> inner6;
  std::optional<Prefix> carrier_lan6;

  bool has_carrier() const { return !carrier.empty(); }
  const std::string& border() const { return has_carrier() ? carrier : edge; }  // the host on the internet's cable
  // What the edge's wan0 has, and the router behind it.
  Prefix wan4() const { return has_carrier() ? inner4 : public4; }
  std::optional<Prefix> wan6() const { return has_carrier() ? inner6 : public6; }
  Address gateway4() const { return has_carrier() ? carrier_lan4.address : internet4.address; }
  std::optional<Address> gateway6() const;
  // The edge's addresses in the LAN, where the resolver answers.
  std::vector<Address> lan_addresses() const;
};

// The interface names of a router of a site: the LAN's bridge (of a carrier: the cable to the edge), and the cable
// towards the internet. Of NAT64, the tunnel.
inline constexpr const char* kLan = "lan0";
inline constexpr const char* kWan = "wan0";
inline constexpr const char* kNat64 = "nat64";
// The names of servers that a site may have besides its proxies.
inline constexpr const char* kPac = "pac";
inline constexpr const char* kSocks = "socks";
inline constexpr const char* kPortal = "portal";  // at the edge

// What a server that the site's own host table calls `name` is called: a host, and a domain name.
std::string server_host(const std::string& site, const std::string& name);  // "office.proxy"
std::string server_name(const std::string& site, const std::string& name);  // "proxy.office.test"
std::string domain_name(const std::string& site);                           // "office.test"
std::string realm_name(const std::string& site);                            // "OFFICE.TEST"
// The server on that host; nullptr if there is none.
const SiteServer* find_server(const SitePlan& plan, const std::string& host);

// All sites of a scenario, in its order.
std::vector<SitePlan> plan_sites(const model::Scenario& scenario);

// The public address of a site that has been renumbered so many times.
Prefix public_prefix(const SitePlan& plan, unsigned generation);

}  // namespace crypelab::blueprint
