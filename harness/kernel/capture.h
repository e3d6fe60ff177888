#pragma once

#include "harness/base/descriptor.h"
#include "harness/kernel/link.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace crypelab::kernel {

// A frame as it passed an interface.
struct CapturedPacket {
  std::int64_t realtime_ns = 0;           // CLOCK_REALTIME, stamped by the kernel
  std::int64_t monotonic_ns = 0;          // the same instant on CLOCK_MONOTONIC
  std::uint32_t length = 0;               // on the wire, Ethernet header included
  bool outgoing = false;                  // sent by this side of the interface
  std::span<const std::uint8_t> bytes{};  // as much as the snap length allows; only valid during the call that gives it
};

// Sees every frame of one interface, both directions, from construction on: make it before the link rises (packet(7),
// TPACKET_V3 ring). Packets come to the reader at most 10 ms after they passed.
class Capture {
 public:
  struct Settings {
    std::size_t ring_bytes = std::size_t{2}
                             << 20;  // rounded up to blocks of 256 KiB; what does not fit is counted as dropped
    std::uint32_t snap_length = 65535;
  };

  // Throws Failure.
  explicit Capture(const Link& link);
  Capture(const Link& link, const Settings& settings);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Becomes readable when there is something to read: for epoll, level-triggered.
  int descriptor() const { return socket_.get(); }
  // Gives everything that has arrived to `take`, in order, and returns how many packets that was. Never blocks.
  std::size_t read(const std::function<void(const CapturedPacket&)>& take);
  // Deaf, it sees nothing, and what it does not see is not lost either; what it saw before is still to be read. Throws
  // Failure.
  void set_deaf(bool deaf);
  // Packets lost since construction because nobody read in time.
  std::uint64_t dropped();

 private:
  void map_ring(const Settings& settings);

  std::uint32_t snap_length_;
  Descriptor socket_;
  std::span<std::uint8_t> ring_;
  std::size_t next_block_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace crypelab::kernel
