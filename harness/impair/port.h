#pragma once

#include "harness/impair/counters.h"
#include "harness/impair/frame.h"
#include "harness/impair/link_end.h"
#include "harness/impair/time.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <linux/if_packet.h>
#include <sys/socket.h>

namespace crypelab::impair {

// CLOCK_MONOTONIC.
Time monotonic_now();

struct Arrival {
  Frame frame;
  Time time{};  // when the kernel got it, on CLOCK_MONOTONIC
};

// Buffers for one receive call, shared by all ports of an engine: 2 MB.
class ReceiveBatch {
 public:
  static constexpr std::size_t kFrames = 32;
  // The largest aggregate frame of the kernel without "big TCP", and its headers.
  static constexpr std::size_t kLargest = Frame::kVnetHeader + Frame::kEthernetHeader + 65'536 + 64;

  ReceiveBatch();

 private:
  friend class Port;
  static constexpr std::size_t kControl = 64;
  std::array<Frame, kFrames> frames_;
  std::array<mmsghdr, kFrames> messages_{};
  std::array<iovec, kFrames> vectors_{};
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, kControl> bytes;
  };
  std::array<Control, kFrames> controls_{};
};

// One end of a link as the engine uses it: batches of frames in and out, and counters of what went wrong.
class Port {
 public:
  Port(LinkEnd end, const Descriptor& route);

  int socket() const { return end_.socket.get(); }
  // Appends what waits, at most one batch. False when nothing was there.
  bool receive(ReceiveBatch& batch, std::vector<Arrival>& out);
  void send(std::span<Frame> frames);

  // Adds to `counters` what went wrong here while receiving.
  void count_receiving(LinkCounters& counters);
  // Adds what went wrong while sending. Frames that the interface dropped without telling send() are put down to the
  // interface if it lost its carrier since the last call: those were under way into an end that went down.
  void count_sending(LinkCounters& counters, const Descriptor& route);

 private:
  void count_failure(int error);

  LinkEnd end_;
  InterfaceState last_;
  std::uint64_t refused_before_ = 0;  // of refused_, those that last_ includes
  std::uint64_t refused_ = 0;         // ENOBUFS: the interface counts these too
  Time down_until_{};                 // what it was found to be; not asked for every frame
  std::uint64_t receive_missed_ = 0;
  std::uint64_t receive_refused_ = 0;
  std::uint64_t send_refused_ = 0;
  std::uint64_t send_dropped_ = 0;
  std::uint64_t interface_down_ = 0;
};

}  // namespace crypelab::impair
