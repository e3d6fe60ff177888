#pragma once

#include "harness/model/scenario.h"

#include <string>

// Model values in the words of the scenario language, one line each: for drawings, counters, reports.
namespace crypelab::model {

std::string describe(Dependence dependence);        // "address-and-port"
std::string describe(Protocol protocol);            // "udp"
std::string describe(const Nat& nat);               // "nat: mapping endpoint-independent, filtering address-and-port"
std::string describe(const Loss& loss);             // "1%", "5% in bursts of 4", "packets 3, 17"
std::string describe(const Direction& direction);   // "10ms, 50mbit", or empty for a direction without any impairment
std::string describe(const EgressRule& rule);       // "drop { protocol: udp, ports: [3478] }"
std::string describe(const Dns& dns);               // "internal-only", or empty for an ordinary resolver
std::string describe(PathClass path);               // "relay-tls"
std::string describe(const Match& match);           // "{ protocol: udp }"
std::string describe(const Expectation& expected);  // "path: { client: alice, class: relay-tls, proxy: true }"
std::string describe(Tier tier);                    // "quick"

}  // namespace crypelab::model
