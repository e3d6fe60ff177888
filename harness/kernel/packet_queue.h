#pragma once

#include "harness/base/descriptor.h"

#include <cstdint>
#include <span>
#include <vector>

namespace crypelab::kernel {

// A packet that waits in the kernel for a verdict.
struct QueuedPacket {
  std::uint32_t id = 0;
  std::uint32_t mark = 0;                // as the rules have set it
  std::span<const std::uint8_t> packet;  // from the IP header on; a view until the next receive()
};

// The listener of one NFQUEUE of the network namespace that it is made in (nfnetlink_queue, spoken directly). Packets
// that nobody gives a verdict stay where they are, at most `most_packets` of them; what comes beyond that is dropped by
// the kernel. Needs CAP_NET_ADMIN there.
class PacketQueue {
 public:
  // Throws Failure: another listens to that queue already, or the kernel has none.
  explicit PacketQueue(std::uint16_t number, std::uint32_t most_packets = 4096);

  // Readable when packets have arrived.
  int descriptor() const { return socket_.get(); }
  // What has arrived, a batch at most; never waits.
  std::span<const QueuedPacket> receive();

  // Verdicts reach the kernel with flush().
  void accept(std::uint32_t id);  // goes on behind the rule that queued it
  void drop(std::uint32_t id);
  // Goes through the rules of the same hook again, with this mark.
  void repeat(std::uint32_t id, std::uint32_t mark);
  void flush();

 private:
  void verdict(std::uint32_t id, std::uint32_t what, const std::uint32_t* mark);

  std::uint16_t number_;
  Descriptor socket_;
  std::vector<std::vector<std::uint8_t>> buffers_;
  std::vector<QueuedPacket> packets_;
  std::vector<std::uint8_t> verdicts_;
};

}  // namespace crypelab::kernel
