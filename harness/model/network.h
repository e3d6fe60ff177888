#pragma once

#include "harness/base/address.h"
#include "harness/base/units.h"
#include "harness/model/first_bytes.h"
#include "harness/model/pac.h"
#include "harness/model/port_range.h"
#include "harness/model/portal.h"
#include "harness/model/proxy.h"
#include "harness/model/socks.h"
#include "harness/model/tls_inspection.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What an engineer says about a customer's network, as plain values. Nothing here knows how it is brought about.
namespace crypelab::model {

// RFC 4787 section 4.1 (mapping) and section 5 (filtering): what a NAT's choice depends on.
enum class Dependence { endpoint_independent, address, address_and_port };
// RFC 4787 section 4.2: how the external port is chosen.
enum class PortAssignment { preserve, random, sequential };

struct Nat {
  Dependence mapping = Dependence::endpoint_independent;
  Dependence filtering = Dependence::address_and_port;
  bool hairpin = false;  // RFC 4787 section 6
  PortAssignment ports = PortAssignment::preserve;
  Duration udp_timer = std::chrono::minutes(2);    // RFC 4787 REQ-5: not below two minutes, to be compliant
  Duration tcp_timer = std::chrono::minutes(124);  // RFC 5382 REQ-5: not below 2 h 4 min, to be compliant
  std::optional<Duration> rebind;                  // every so often all mappings move to other ports
  bool operator==(const Nat&) const = default;
};

// Which packets are lost. All three forms are deterministic: the same seed loses the same packets.
struct RandomLoss {
  Ratio share;
  std::uint32_t seed = 1;
  bool operator==(const RandomLoss&) const = default;
};
struct BurstLoss {  // Gilbert-Elliott: the long-run share, in bursts of this mean length (packets)
  Ratio share;
  unsigned mean_length = 4;
  std::uint32_t seed = 1;
  bool operator==(const BurstLoss&) const = default;
};
struct PacketListLoss {  // exactly these packets, counted from 1
  std::vector<std::uint32_t> packets;
  bool operator==(const PacketListLoss&) const = default;
};
using Loss = std::variant<std::monostate, RandomLoss, BurstLoss, PacketListLoss>;

// One direction of a cable: a symmetric link is two of them.
struct Direction {
  Duration delay{0};
  Duration jitter{0};
  std::optional<BitRate> rate;
  Loss loss;
  bool operator==(const Direction&) const = default;
};

struct Uplink {
  Direction up;    // from the site towards the internet
  Direction down;  // from the internet towards the site
  unsigned mtu = 1500;
  bool too_big = true;  // ICMP "fragmentation needed" and "packet too big" are sent (false: a PMTU black hole)
  bool operator==(const Uplink&) const = default;
};

enum class Protocol { any, udp, tcp, icmp };

// An empty list matches everything. Of a list one must match; of the fields all must.
struct Match {
  Protocol protocol = Protocol::any;
  std::vector<PortRange> ports;
  std::vector<Prefix> to;
  std::vector<std::string>
      domains;                     // addresses learnt from the answers of the site's resolver; "*.x" covers subdomains
  Payload payload = Payload::any;  // of UDP
  bool operator==(const Match&) const = default;
};

// What happens to a packet that matches. Each is a network of its own (networks.md, trap 6).
struct Allow {
  bool operator==(const Allow&) const = default;
};
struct Drop {
  bool operator==(const Drop&) const = default;
};
enum class Unreachable { admin_prohibited, port, host, network };
struct Reject {  // answered by ICMP
  Unreachable with = Unreachable::admin_prohibited;
  bool operator==(const Reject&) const = default;
};
struct Reset {  // TCP RST; matches TCP only
  bool operator==(const Reset&) const = default;
};
struct AcceptThenDrop {  // passes, and falls silent after so many bytes (both directions) or so long
  std::optional<ByteCount> bytes;
  std::optional<Duration> time;
  bool operator==(const AcceptThenDrop&) const = default;
};
struct Police {  // what exceeds the rate is dropped, the rest passes
  BitRate rate;
  bool operator==(const Police&) const = default;
};
struct Lose {  // these packets are lost, the rest passes
  Loss loss;
  bool operator==(const Lose&) const = default;
};
using Action = std::variant<Allow, Drop, Reject, Reset, AcceptThenDrop, Police, Lose, FirstBytes>;

// One line of the border's ordered list: the first match decides; what no rule matches is dropped.
struct EgressRule {
  Action action;
  Match match;
  unsigned line = 0;  // in the scenario, for messages
  bool operator==(const EgressRule& other) const { return action == other.action && match == other.match; }
};

// What the site's resolver answers.
enum class Answers { normal, internal_only, servfail };
enum class Aaaa { normal, servfail, silent, nxdomain };
struct Dns {
  Answers answers = Answers::normal;
  Duration delay{0};         // before every answer
  Aaaa aaaa = Aaaa::normal;  // what happens to AAAA questions
  bool operator==(const Dns&) const = default;
};

// IPv6-only site: NAT64 (RFC 6146) at the edge; with dns64 (RFC 6147) the resolver synthesizes AAAA records.
struct Nat64 {
  Prefix prefix;
  bool dns64 = true;
  bool operator==(const Nat64&) const = default;
};

struct Site {
  std::string name;
  std::optional<Prefix> subnet4;
  std::optional<Prefix> subnet6;
  Uplink uplink;
  std::optional<Nat> nat;                         // IPv4 only; a site without one is routed
  std::optional<Nat> carrier;                     // a second NAT between the edge and the internet
  std::optional<std::vector<EgressRule>> egress;  // absent: everything may leave, and unsolicited packets may come in
                                                  // (unless there is a NAT: then IPv6 is stateful, RFC 6092)
  bool isolation = false;                         // hosts of the LAN cannot reach one another
  Dns dns;
  std::optional<Nat64> nat64;
  std::vector<Proxy> proxies;
  std::optional<Pac> pac;
  std::optional<Socks> socks;
  std::optional<Portal> portal;
  std::optional<TlsInspection> tls_inspection;
  std::optional<TlsRelay> tls_relay;
  bool operator==(const Site&) const = default;
};

}  // namespace crypelab::model
