#pragma once

#include "harness/base/units.h"
#include "harness/model/job.h"
#include "harness/model/network.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

// What must be true of a run. How each is decided from what was seen: harness/judge.
namespace crypelab::model {

// How a client's data travel: without a relay of its own from its own address (direct) or the one that a STUN server
// saw (srflx), or through a relay: its own, by how it speaks to it, or the
// peer's, which it reaches over UDP like any peer. From a rung that needs more of the network to one that
// needs less.
enum class PathClass { direct, srflx, relay_udp, relay_tcp, relay_tls };

struct ExpectConnected {
  std::optional<Duration> within;  // since the later of the two clients' hello
  bool operator==(const ExpectConnected&) const = default;
};
struct ExpectNotConnected {
  bool operator==(const ExpectNotConnected&) const = default;
};
struct ExpectPath {
  std::string client;
  std::vector<PathClass> classes;  // one of them
  std::optional<bool> proxy;       // the connection to the relay goes through a proxy
  bool operator==(const ExpectPath&) const = default;
};
struct ExpectStaysConnected {  // data arrive for so long, with no longer pause
  Duration time{0};
  Duration gap = std::chrono::seconds(10);
  bool operator==(const ExpectStaysConnected&) const = default;
};
// Nothing that a client of the site sent passed the border, except to the site's own servers.
struct ExpectNoBypass {
  std::string site;
  bool operator==(const ExpectNoBypass&) const = default;
};
struct ExpectAttempted {  // the site's clients sent such packets ...
  std::string site;
  Match match;
  bool operator==(const ExpectAttempted&) const = default;
};
struct ExpectUnanswered {  // ... and nothing came back
  std::string site;
  Match match;
  bool operator==(const ExpectUnanswered&) const = default;
};
struct ExpectEcho {  // of the echo phase, each client's
  std::optional<Ratio> lost;
  std::optional<Duration> rtt;  // the median
  bool operator==(const ExpectEcho&) const = default;
};
struct ExpectThroughput {
  BitRate at_least;
  bool operator==(const ExpectThroughput&) const = default;
};
struct ExpectReports {  // a problem with one of these codes
  std::string client;
  std::vector<std::string> codes;
  std::optional<Duration> within;  // since the later of the two clients' hello
  bool operator==(const ExpectReports&) const = default;
};
struct ExpectTunnels {  // that the site's proxies opened
  std::string site;
  std::optional<unsigned> at_least;
  std::optional<unsigned> at_most;
  bool operator==(const ExpectTunnels&) const = default;
};
struct ExpectAllocations {  // on the TURN servers, so long after both clients have ended
  unsigned left = 0;
  Duration within = std::chrono::seconds(3);
  bool operator==(const ExpectAllocations&) const = default;
};

struct Expectation {
  std::variant<ExpectConnected, ExpectNotConnected, ExpectPath, ExpectStaysConnected, ExpectNoBypass, ExpectAttempted,
               ExpectUnanswered, ExpectEcho, ExpectThroughput, ExpectReports, ExpectTunnels, ExpectAllocations>
      what;
  unsigned line = 0;  // in the scenario, for messages
  bool operator==(const Expectation& other) const { return what == other.what; }
};

// The problem codes that a client may report (clients/CONTRACT.md).
const std::vector<std::string>& problem_codes();

}  // namespace crypelab::model
