#pragma once

#include "harness/base/descriptor.h"
#include "harness/gate/gate.h"
#include "harness/kernel/packet_queue.h"

namespace crypelab::gate {

// How a packet's mark speaks, between the rules and the gate (the rules: blueprint/egress_rules.cc). A queued packet
// bears the number of its policy, and whether it came in; a decided one goes through the rules again with the decision.
namespace mark {
inline constexpr std::uint32_t policy = 0xffff;
inline constexpr std::uint32_t passed = 0x10000;
inline constexpr std::uint32_t refused = 0x20000;
inline constexpr std::uint32_t inbound = 0x40000;
}  // namespace mark

// The gate at work in the network namespace of the border: packets from the queue, verdicts to it, resets to both ends,
// a line for each decision on standard output.
class Border {
 public:
  // Throws Failure: no queue, or no privilege (CAP_NET_ADMIN, CAP_NET_RAW).
  explicit Border(const Configuration& configuration);
  // Until `stop`, a descriptor, is readable.
  void run(int stop);

 private:
  void carry_out(const Outcome& outcome);
  void send(const std::vector<std::uint8_t>& packet);

  kernel::PacketQueue queue_;
  Gate gate_;
  Descriptor raw4_;
  Descriptor raw6_;
};

}  // namespace crypelab::gate
