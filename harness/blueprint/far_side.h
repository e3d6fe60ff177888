#pragma once

#include "harness/base/measure.h"
#include "harness/model/scenario.h"

#include <cstdint>
#include <set>
#include <utility>

// The far side of everything that a lab measures: the reflector, a host of the internet.
namespace crypelab::blueprint {

inline constexpr std::uint16_t kReflectorPort = 3478;
inline constexpr std::uint16_t kReflectorOtherPort = 3479;
inline constexpr const char* kReflectorName = "reflector.crype.test";

// The ports on which it answers: those that applications use, and the edges of what the rules of the scenario name.
std::set<std::uint16_t> reflector_ports(const model::Scenario& scenario, measure::Transport transport);
// Its two addresses in a family.
std::pair<Address, Address> reflector_addresses(Family family);

}  // namespace crypelab::blueprint
