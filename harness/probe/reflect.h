#pragma once

#include "harness/base/address.h"

#include <vector>

namespace crypelab::probe {

struct ReflectOptions {
  std::vector<Address> addresses;        // two of a family, so that mapping and filtering can be told
  std::vector<std::uint16_t> udp_ports;  // besides 3478 and 3479
  std::vector<std::uint16_t> tcp_ports;
  bool log = false;  // one line of JSON for each Binding request and each connection
};

// The ports of the standard pair, over UDP and TCP.
inline constexpr std::uint16_t stun_port = 3478;
inline constexpr std::uint16_t stun_other_port = 3479;

// The far side: binds everything, prints {"event":"ready"} on standard output, and answers until SIGTERM, SIGINT or
// until nobody reads its output any more. Returns the exit status; throws Failure when a port cannot be had.
//
// Lines with `log`:
//   {"event":"received","token":"0011...","transport":"udp","local":"198.51.100.90:3478","source":"198.18.0.2:4711","t":1234}
//   {"event":"accepted","transport":"tcp","local":...,"source":...,"t":1234}
//   {"event":"suppressed","lines":17}     more than 20,000 lines came within a second
// `t`: microseconds since the program's start.
int reflect(const ReflectOptions& options);

}  // namespace crypelab::probe
