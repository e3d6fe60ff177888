#pragma once

#include "harness/base/descriptor.h"
#include "harness/kernel/network_namespace.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace crypelab::kernel {

// A packet that a program of the host sent.
struct LoggedPacket {
  std::optional<std::uint32_t> user;     // whose socket it is from, as this process knows users; none: the kernel's own
  std::span<const std::uint8_t> packet;  // from the IP header on, its first 128 bytes; a view until the next one
};

// Tells, within the same instant, what the programs of a network namespace send, by a rule of its own there and
// nfnetlink_log. Sees the small packets with which conversations begin, 2,000 a second at most, and of the large ones
// 100 a second: who floods is not followed any further, and the flood is not slowed down.
class PacketLog {
 public:
  // Throws Failure{unavailable} where the kernel cannot do that.
  explicit PacketLog(const NetworkNamespace& in);

  // Readable when there is something to read.
  int descriptor() const { return socket_.get(); }
  // Gives what has been logged, a batch at most, to `take`. Never waits.
  void read(const std::function<void(const LoggedPacket&)>& take);

 private:
  Descriptor socket_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace crypelab::kernel
