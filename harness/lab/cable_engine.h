#pragma once

#include "harness/impair/link_control.h"
#include "harness/impair/link_engine.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/child_process.h"
#include "harness/kernel/network_namespace.h"
#include "harness/model/network.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::lab {

// What the user-space link must do for one direction of a cable.
impair::Impairment impairment_of(const model::Direction& direction);

// The cables that need delay or jitter run through a namespace of their own, in which one process carries their frames.
class CableEngine {
 public:
  // Throws Failure.
  CableEngine();

  const kernel::NetworkNamespace& inside() const { return inside_; }
  // The ends of cable number `index` inside the engine's namespace.
  static std::string near_name(std::size_t index) { return "n" + std::to_string(index); }
  static std::string far_name(std::size_t index) { return "f" + std::to_string(index); }

  // Takes the two halves of the next cable, which must be there; the number that it is then known by.
  std::uint32_t add(std::size_t index, const model::Direction& a_to_b, const model::Direction& b_to_a);
  // Starts carrying; afterwards nothing can be added.
  void start();
  void change(std::uint32_t link, const model::Direction& a_to_b, const model::Direction& b_to_a);
  // What became of the packets of one direction; for the honesty of measurements.
  impair::LinkCounters read(std::uint32_t link, impair::Direction direction);

 private:
  kernel::NetworkNamespace inside_;
  std::vector<impair::LinkPlan> plans_;
  kernel::ChildProcess process_;
  std::optional<impair::LinkControl> control_;
};

}  // namespace crypelab::lab
