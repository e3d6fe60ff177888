#pragma once

#include "command.h"

#include <string>

namespace crypelab::test {

// alice -- office.edge (NAT) -- internet -- home.edge (NAT) -- bob
inline constexpr const char* kTwoSites = R"(
scenario: test/two-sites
title: Two sites behind ordinary NATs
proves: nothing by itself
sites:
  office: { nat: { mapping: endpoint-independent, filtering: address-and-port } }
  home:   { nat: { mapping: endpoint-independent, filtering: address-and-port } }
clients:
  alice: { site: office }
  bob:   { site: home }
)";

// Everything that touches the kernel at once: NAT of two kinds, a carrier, rules with domains, delay, loss, rate,
// steps.
inline constexpr const char* kRich = R"(
scenario: test/rich
title: All kinds of things at once
proves: nothing by itself
sites:
  office:
    subnet: [10.20.0.0/24, "2001:db8:20::/64"]
    uplink: { delay: 5ms, jitter: 1ms, loss: 1% }
    nat: { mapping: address-and-port, udp-timer: 30s, rebind: 20s }
    egress:
      - allow: { protocol: tcp, ports: 443, domains: turns.crype.test }
      - { police: { protocol: udp, ports: 3478 }, rate: 200kbit }
      - { accept-then-drop: { protocol: tcp, ports: 80 }, after: 16kB }
      - reset: { ports: 25 }
      - reject: {}
  phone:
    uplink: { rate: 10mbit, mtu: 1400 }
    nat: {}
    carrier: { nat: { mapping: address } }
clients:
  alice: { site: office }
  bob:   { site: phone }
  carol: { site: office }
steps:
  - { at: 20ms, site: office, egress: [ { drop: { protocol: udp } }, { allow: {} } ] }
  - { at: 40ms, site: phone, uplink: down }
  - { at: 60ms, site: phone, uplink: up }
  - { at: 80ms, site: office, address: new }
  - { at: 100ms, client: carol, site: office, link: down }
  - { at: 120ms, record: turn.crype.test, to: [198.51.100.20] }
  - { at: 140ms, site: office, uplink: { delay: 20ms } }
)";

inline const std::string kProgram = CRYPELAB_BIN "/crypelab";

// `text` as one word of a shell.
inline std::string one_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) c == '\'' ? word += "'\\''" : word += c;
  return word + "'";
}

inline Finished shell(const std::string& script, std::chrono::milliseconds deadline = std::chrono::seconds(60)) {
  return run("/bin/sh", {"-c", script}, deadline);
}

}  // namespace crypelab::test
