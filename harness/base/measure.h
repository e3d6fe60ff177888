#pragma once

#include "harness/base/address.h"
#include "harness/base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What a network is asked and what it answered, as plain values: what the measuring program, the JSON that it speaks
// and the declared side of a comparison have in common.
namespace crypelab::measure {

enum class Transport { udp, tcp };
// Seen from the machine that measures: up is towards the far side.
enum class Way { up, down };
// RFC 4787 section 4.1 (mapping) and section 5 (filtering).
enum class Dependence { endpoint_independent, address, address_and_port };
// RFC 4787 section 4.2.
enum class PortChoice { preserved, sequential, random };

// What became of an attempt to reach an endpoint. `silent` is only said after the deadline, or when the asker says that
// enough has been waited (an answer may still have been under way).
enum class Outcome {
  answered,             // the far side answered
  refused,              // TCP: RST to the SYN
  accepted,             // TCP: the handshake passed, and then nothing
  reset,                // TCP: the handshake passed, then RST
  closed,               // TCP: the handshake passed, then FIN without an answer
  admin_prohibited,     // ICMP 3/9, 3/10, 3/13; ICMPv6 1/1, 1/5, 1/6
  port_unreachable,     // ICMP 3/3; ICMPv6 1/4
  host_unreachable,     // ICMP 3/1; ICMPv6 1/3
  network_unreachable,  // ICMP 3/0; ICMPv6 1/0
  no_route,             // refused by the machine itself: no route, no address of that family
  silent,
};

// What a DNS server made of a question (RFC 1035 section 4.1.1).
enum class DnsOutcome { addresses, empty, nxdomain, servfail, refused, other, malformed, unreachable, silent };
enum class RecordType { a, aaaa };

// --- questions -------------------------------------------------------------------------------------------------------

// How a TCP connection begins: a gate may look at its first bytes.
enum class Opening { stun, tls, http };

// Sends a STUN Binding request whose transaction id is `token`; over TCP after the handshake, behind the opening if
// there is one.
struct Reach {
  Transport transport = Transport::udp;
  Endpoint to;
  std::string token;                   // 24 hexadecimal digits
  std::optional<Opening> opening;      // TCP; absent: stun
  std::string server_name;             // of a tls opening; empty: it names none
  std::vector<std::string> protocols;  // ALPN of a tls opening; empty: none is offered
  bool operator==(const Reach&) const = default;
};
// How long a flow lasts: numbered packets to the echo service, one every `interval`, until `bytes` went both ways
// together (headers of IP and above counted) or nothing came back for `patience`.
struct Passage {
  Transport transport = Transport::udp;
  Endpoint to;
  ByteCount bytes{64'000};
  Duration time = std::chrono::seconds(1);
  Duration interval = std::chrono::milliseconds(5);
  Duration patience = std::chrono::milliseconds(300);
  bool operator==(const Passage&) const = default;
};
// RFC 5780 section 4.3, all four requests side by side; the choice of ports from further sockets.
struct Mapping {
  Transport transport = Transport::udp;
  Endpoint server;
  Endpoint other;  // another address and port of the same server
  bool operator==(const Mapping&) const = default;
};
struct Filtering {  // RFC 5780 section 4.4
  Endpoint server;
  Endpoint other;
  bool operator==(const Filtering&) const = default;
};
struct Hairpin {  // RFC 5780 section 4.5
  Endpoint server;
  bool operator==(const Hairpin&) const = default;
};
// RFC 5780 section 4.6 with RESPONSE-PORT, side by side: socket i stays silent for (i+1) / steps of `maximum`.
struct Lifetime {
  Endpoint server;
  Duration maximum = std::chrono::seconds(180);
  std::uint32_t steps = 18;
  bool operator==(const Lifetime&) const = default;
};
// Numbered packets to the echo service, counted on both sides.
struct Train {
  Endpoint to;
  std::uint32_t count = 200;
  std::uint32_t size = 200;  // bytes of UDP payload
  Duration interval = std::chrono::milliseconds(5);
  bool operator==(const Train&) const = default;
};
struct Rate {
  Transport transport = Transport::udp;
  Way way = Way::up;
  Endpoint to;
  BitRate offered{10'000'000};  // UDP: what is sent, headers of IP and UDP counted
  Duration time = std::chrono::seconds(1);
  std::optional<Opening> opening;      // TCP: what goes ahead, as of Reach
  std::string server_name;             // of a tls opening
  std::vector<std::string> protocols;  // ALPN of a tls opening
  bool operator==(const Rate&) const = default;
};
struct PathMtu {
  Way way = Way::up;
  Endpoint to;
  std::uint32_t largest = 1500;  // bytes of IP packet
  bool operator==(const PathMtu&) const = default;
};
struct Resolve {
  std::string name;
  RecordType type = RecordType::a;
  std::optional<Endpoint> server;  // absent: the first of the machine's resolv.conf
  bool operator==(const Resolve&) const = default;
};

// Asks an HTTP proxy for a tunnel, without credentials (RFC 9110 section 9.3.6).
struct Challenge {
  Endpoint proxy;
  std::string target;  // "host:port"
  bool operator==(const Challenge&) const = default;
};

using Ask =
    std::variant<Reach, Passage, Mapping, Filtering, Hairpin, Lifetime, Train, Rate, PathMtu, Resolve, Challenge>;

struct Question {
  std::string id;  // unique in a job
  Duration deadline = std::chrono::seconds(1);
  std::optional<Address> from;     // the machine's own address to use
  std::vector<std::string> after;  // begins when these are answered
  Ask ask;
  bool operator==(const Question&) const = default;
};

// --- findings, one type for each type of question --------------------------------------------------------------------

struct Reached {
  Outcome outcome = Outcome::silent;
  std::optional<Endpoint> local;
  std::optional<Endpoint> seen;      // as whom the far side saw us
  std::optional<Address> icmp_from;  // who sent the ICMP error
  bool operator==(const Reached&) const = default;
};
struct Passed {
  ByteCount bytes;                    // both ways together, headers of IP and above counted, up to the last echo
  Duration time{0};                   // from the first packet to the last echo
  bool ended = false;                 // it fell silent before the limits of the question
  Outcome outcome = Outcome::silent;  // of the beginning: answered, or why nothing passed at all
  bool operator==(const Passed&) const = default;
};
struct Mapped {
  std::optional<Endpoint> local;
  std::optional<Endpoint> external;
  std::optional<bool> nat;  // absent: nothing was answered
  std::optional<Dependence> mapping;
  std::optional<PortChoice> ports;
  bool operator==(const Mapped&) const = default;
};
struct Filtered {
  bool answered = false;  // the requests that must be answered were
  std::optional<Dependence> filtering;
  bool operator==(const Filtered&) const = default;
};
struct Hairpinned {
  std::optional<bool> hairpin;   // absent: nothing was answered
  std::optional<Endpoint> seen;  // the source of what came back
  bool operator==(const Hairpinned&) const = default;
};
struct Lived {
  bool answered = false;
  std::optional<Duration> alive;  // the longest silence that the mapping survived
  std::optional<Duration> dead;   // the shortest that it did not
  bool operator==(const Lived&) const = default;
};
struct Counted {  // one way
  std::uint32_t sent = 0;
  std::uint32_t received = 0;       // different ones
  std::vector<std::uint32_t> lost;  // which of those sent this way, counted from 1
  std::uint32_t duplicated = 0;
  std::uint32_t reordered = 0;  // came after one with a higher number
  Duration jitter{0};           // what 9 of 10 packets had at most above the smallest delay
  bool operator==(const Counted&) const = default;
};
struct Trained {
  bool complete = false;  // both sides were read
  Counted up;
  Counted down;
  Duration rtt_min{0};
  Duration rtt_p50{0};
  Duration rtt_p95{0};
  bool operator==(const Trained&) const = default;
};
struct Rated {
  bool complete = false;
  BitRate goodput;         // payload of UDP or TCP
  BitRate wire;            // with the headers of IP and above
  std::uint64_t sent = 0;  // bytes of payload
  std::uint64_t received = 0;
  bool operator==(const Rated&) const = default;
};
struct PathMtuFound {
  std::optional<std::uint32_t> mtu;       // the largest IP packet that arrived
  bool too_big = false;                   // an ICMP "too big" came back
  std::optional<std::uint32_t> reported;  // what it said
  bool operator==(const PathMtuFound&) const = default;
};
struct Resolved {
  DnsOutcome outcome = DnsOutcome::silent;
  std::vector<Address> addresses;
  std::optional<Prefix> nat64;  // RFC 7050, for AAAA of ipv4only.arpa
  bool operator==(const Resolved&) const = default;
};

struct Challenged {
  Outcome outcome = Outcome::silent;
  std::uint32_t status = 0;          // 0: no answer that is HTTP
  std::vector<std::string> schemes;  // of Proxy-Authenticate, in their order, in small letters
  bool operator==(const Challenged&) const = default;
};

using Finding = std::variant<Reached, Passed, Mapped, Filtered, Hairpinned, Lived, Trained, Rated, PathMtuFound,
                             Resolved, Challenged>;

struct Answer {
  std::string id;
  Duration elapsed{0};
  Finding finding;
  bool operator==(const Answer&) const = default;
};

// The words that JSON and reports use; every value of the type is in its list once.
template <class Value>
using Words = std::vector<std::pair<Value, std::string_view>>;
template <class Value>
const Words<Value>& words();
template <>
const Words<Transport>& words();
template <>
const Words<Way>& words();
template <>
const Words<Opening>& words();
template <>
const Words<Dependence>& words();
template <>
const Words<PortChoice>& words();
template <>
const Words<Outcome>& words();
template <>
const Words<DnsOutcome>& words();
template <>
const Words<RecordType>& words();

template <class Value>
std::string_view word(Value value) {
  for (const auto& [known, text] : words<Value>()) {
    if (known == value) return text;
  }
  return {};
}

}  // namespace crypelab::measure
