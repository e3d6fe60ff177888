#pragma once

#include "harness/base/address.h"
#include "harness/base/units.h"
#include "harness/model/port_range.h"
#include "harness/model/proxy_faults.h"
#include "harness/model/server_certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// A site's HTTP proxy, in the words of the engineer who runs it.
namespace crypelab::model {

// RFC 9110 section 11.7; offered to clients in the order in which they are named.
enum class AuthScheme { basic, digest, ntlm, negotiate };

struct ProxyUser {
  std::string name;
  std::string password;
  bool operator==(const ProxyUser&) const = default;
};

// Where a request goes; a target fits when it is one of them.
struct Targets {
  std::vector<std::string> domains;  // "x" is x alone, "*.x" is all below x
  std::vector<Prefix> prefixes;      // of what the client named, or of what that name resolves to
  bool empty() const { return domains.empty() && prefixes.empty(); }
  bool operator==(const Targets&) const = default;
};

// TLS that passes is opened and signed anew by an authority of the company; what is inside must be HTTP.
struct Inspection {
  bool trusted = true;              // the hosts of the site trust that authority
  std::vector<std::string> exempt;  // by SNI: these pass as they are; "*.x" covers all below x
  bool upgrade_stripped = false;    // the Upgrade field of HTTP inside (RFC 9110 section 7.8) does not pass
  bool operator==(const Inspection&) const = default;
};

struct Proxy {
  std::string name = "proxy";      // its host is SITE.NAME, its name is NAME.SITE.test
  std::vector<std::string> names;  // by which the site knows it besides, as a customer's PAC file has them
  std::uint16_t port = 3128;
  std::vector<AuthScheme> auth;          // none: everybody may use it
  std::vector<ProxyUser> users;          // who may, and with which password
  std::optional<Duration> nonce_life;    // of Digest: afterwards the nonce is stale (RFC 7616 section 3.3)
  std::vector<PortRange> connect_ports;  // CONNECT elsewhere is refused; none: everywhere
  Targets allow;                         // empty: everything
  Targets deny;
  bool ip_literals = true;                  // a target that is an address, not a name
  std::optional<unsigned> max_connections;  // of one client at a time
  std::optional<Duration> idle;             // a tunnel in which nothing moved for so long is closed
  std::optional<Duration> lifetime;         // a tunnel is closed after this, whatever happens in it
  std::optional<ServerCertificate> tls;     // it is reached over TLS ("https proxy")
  ServerKey key = ServerKey::ecdsa;         // of that certificate
  std::optional<Inspection> inspect;
  bool transparent = false;           // sits at the edge and takes web traffic that was not sent to it
  std::string via;                    // the proxy of the same site that it forwards to, or empty
  std::optional<ProxyFaults> faults;  // then it is a proxy of our own, which knows what Squid cannot do
  bool offers(AuthScheme scheme) const;
  bool operator==(const Proxy& other) const = default;
};

}  // namespace crypelab::model
