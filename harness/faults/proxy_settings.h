#pragma once

#include "harness/base/address.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the fault proxy is told to be. Everything that is absent behaves as RFC 9110 wants it.
namespace crypelab::faults {

using Millis = std::chrono::milliseconds;

// One challenge of Proxy-Authenticate, its scheme letter for letter as it shall stand there. "Basic" and "Digest" (in
// any letter case) are understood when they come back; every other scheme is only offered.
struct OfferedChallenge {
  std::string scheme;
  std::string algorithm;  // of Digest: as it shall stand there; one that nobody knows is only offered. Empty: left out
  std::string domain;     // of Digest: RFC 7616 section 3.3, without meaning for a proxy
  bool operator==(const OfferedChallenge&) const = default;
};

// What somebody gets who has not shown credentials.
enum class Refusal { challenge, redirect_302, redirect_307, page };

struct TunnelAnswer {  // RFC 9110 section 9.3.6: any 2xx opens the tunnel, and says nothing about a body
  unsigned status = 200;
  std::optional<std::uint64_t> content_length;
  std::string transfer_encoding;
  bool operator==(const TunnelAnswer&) const = default;
};

enum class CutBy { close, reset, silence };
struct Cut {
  std::optional<Millis> after;         // since the tunnel opened
  std::optional<std::uint64_t> bytes;  // of both directions together
  std::optional<Millis> idle;          // since something moved
  CutBy by = CutBy::close;
  bool operator==(const Cut&) const = default;
};

struct Pace {
  std::size_t segment = 0;  // bytes a TCP segment, 0: as they come
  Millis batch{0};          // bytes wait for the next multiple of this
  bool operator==(const Pace&) const = default;
};

struct Downtime {  // connections are refused; tunnels that stand go on. Counted from the start of the program
  Millis from{0};
  std::optional<Millis> lasting;  // absent: for ever
  bool operator==(const Downtime&) const = default;
};

struct ProxySettings {
  std::vector<Endpoint> listen;
  std::string realm;
  std::map<std::string, std::string> users;  // none: everybody may use it
  std::vector<OfferedChallenge> challenges;
  bool one_field = false;  // all challenges in one Proxy-Authenticate, or one field for each
  Refusal refusal = Refusal::challenge;
  std::string login;                 // where a redirect leads
  bool close_refused = false;        // Connection: close, and the connection is closed
  std::size_t refusal_body = 0;      // bytes of HTML
  std::optional<Millis> nonce_life;  // afterwards a nonce of ours is stale
  std::optional<Millis> session;     // so long after a user was admitted, tunnels are cut and the next request with
                                     // credentials is refused once
  std::vector<std::pair<std::uint16_t, std::uint16_t>> connect_ports;  // CONNECT elsewhere: 403; none: everywhere
  TunnelAnswer tunnel;
  std::optional<unsigned> answer;  // to every admitted CONNECT: this status; 0: nothing, ever
  Cut cut;
  Pace pace;
  std::optional<Downtime> down;
  bool operator==(const ProxySettings&) const = default;
};

// From JSON, with the names above; durations as "..._ms". Throws Failure{data} that says what is wrong.
ProxySettings parse_proxy_settings(std::string_view json);

}  // namespace crypelab::faults
