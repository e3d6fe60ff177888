#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace crypelab::impair {

// What became of the packets of one direction. Always true:
//   received + duplicated == delivered + lost + listed + too_big + queue_full + overflowed + waiting.
// Everything below `waiting` is the emulator's own doing and none of the impairment's: see own_drops().
struct LinkCounters {
  std::uint64_t received =
      0;  // packets that reached the impairment, after segmentation where it acts on single packets
  std::uint64_t received_bytes = 0;
  std::uint64_t link_control = 0;  // of those: ARP, neighbour discovery ... which are neither numbered nor lost
  std::uint64_t delivered =
      0;  // let out at their moment; the far end got these without the three that could not be sent
  std::uint64_t delivered_bytes = 0;
  std::uint64_t lost = 0;        // by the random model
  std::uint64_t listed = 0;      // by the packet list
  std::uint64_t too_big = 0;     // above the MTU
  std::uint64_t queue_full = 0;  // dropped at the bottleneck
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // delivered after a packet that came later
  std::uint64_t waiting = 0;    // in queue and delay line now
  std::uint64_t waiting_bytes = 0;

  std::uint64_t overflowed = 0;       // the memory bound of the direction was hit
  std::uint64_t receive_missed = 0;   // the kernel's receive buffer was full: the engine was too slow
  std::uint64_t receive_refused = 0;  // frames that could not be read or segmented
  std::uint64_t send_refused = 0;     // the kernel refused the frame (ENOBUFS ...)
  std::uint64_t send_dropped = 0;     // the kernel took the frame and dropped it at the interface
  std::uint64_t interface_down = 0;   // an end was down: not the emulator's fault, but not delivered either

  // How late packets left, in nanoseconds after the moment at which the impairment wanted them to. Within 4 %.
  std::uint64_t late_p50 = 0;
  std::uint64_t late_p90 = 0;
  std::uint64_t late_p99 = 0;
  std::uint64_t late_max = 0;

  bool operator==(const LinkCounters&) const = default;
};

// Packets that the emulator lost and no impairment asked for. Above zero, a judgement about loss or throughput on this
// direction is inconclusive.
inline std::uint64_t own_drops(const LinkCounters& c) {
  return c.overflowed + c.receive_missed + c.receive_refused + c.send_refused + c.send_dropped;
}

struct CounterField {
  std::string_view name;
  std::uint64_t LinkCounters::*member;
};

// Every counter by name, for messages and evidence.
inline constexpr std::array<CounterField, 23> kCounterFields{{
    {"received", &LinkCounters::received},
    {"received_bytes", &LinkCounters::received_bytes},
    {"link_control", &LinkCounters::link_control},
    {"delivered", &LinkCounters::delivered},
    {"delivered_bytes", &LinkCounters::delivered_bytes},
    {"lost", &LinkCounters::lost},
    {"listed", &LinkCounters::listed},
    {"too_big", &LinkCounters::too_big},
    {"queue_full", &LinkCounters::queue_full},
    {"duplicated", &LinkCounters::duplicated},
    {"reordered", &LinkCounters::reordered},
    {"waiting", &LinkCounters::waiting},
    {"waiting_bytes", &LinkCounters::waiting_bytes},
    {"overflowed", &LinkCounters::overflowed},
    {"receive_missed", &LinkCounters::receive_missed},
    {"receive_refused", &LinkCounters::receive_refused},
    {"send_refused", &LinkCounters::send_refused},
    {"send_dropped", &LinkCounters::send_dropped},
    {"interface_down", &LinkCounters::interface_down},
    {"late_p50", &LinkCounters::late_p50},
    {"late_p90", &LinkCounters::late_p90},
    {"late_p99", &LinkCounters::late_p99},
    {"late_max", &LinkCounters::late_max},
}};
static_assert(sizeof(LinkCounters) == kCounterFields.size() * sizeof(std::uint64_t));

}  // namespace crypelab::impair
