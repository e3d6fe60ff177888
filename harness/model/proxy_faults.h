#pragma once

#include "harness/base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// How a proxy misbehaves, or does what the standards allow and nobody expects.
namespace crypelab::model {

// What stands for the challenge (RFC 9110 section 15.5.8) when somebody must sign in.
enum class SignIn { challenge, redirect_302, redirect_307, page };
// How a tunnel ends that is cut; silence keeps both connections and carries nothing any more.
enum class CutBy { close, reset, silence };

struct ProxyFaults {
  std::vector<std::string> schemes;     // offered letter for letter, in this order; none: those of the proxy
  std::vector<std::string> algorithms;  // of Digest, a challenge each, letter for letter; none: MD5
  std::string domain;                   // of Digest: without meaning for a proxy (RFC 7616 section 3.3)
  bool one_field = false;               // all challenges in one field
  SignIn sign_in = SignIn::challenge;
  std::string login;                // where a redirect leads
  bool refusal_closes = false;      // Connection: close
  ByteCount refusal_body;           // HTML
  std::optional<Duration> session;  // so long after a user was admitted tunnels are cut, and it is asked again once
  unsigned tunnel_status = 200;     // RFC 9110 section 9.3.6: any 2xx opens the tunnel
  std::optional<ByteCount> content_length;  // of that answer: to be ignored
  std::string transfer_encoding;            // the same
  std::optional<unsigned> answer;           // to every CONNECT that is admitted: this status; 0: nothing, ever
  std::optional<Duration> cut_after;        // since the tunnel opened
  std::optional<Duration> cut_idle;         // since something moved
  std::optional<ByteCount> cut_bytes;       // both directions together
  CutBy cut_by = CutBy::close;
  unsigned segment = 0;               // bytes a TCP segment; 0: as they come
  Duration batch{0};                  // bytes wait for the next multiple of this
  std::optional<Duration> down_from;  // connections are refused from then on
  std::optional<Duration> down_for;   // absent: for ever
  bool operator==(const ProxyFaults&) const = default;
};

}  // namespace crypelab::model
