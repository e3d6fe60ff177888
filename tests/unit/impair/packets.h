#pragma once

#include "harness/impair/frame.h"
#include "harness/impair/impaired_queue.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace crypelab::impair {

// A UDP/IPv4 frame of `wire_size` bytes on the wire that carries `number`.
inline Frame numbered_frame(std::uint32_t number, std::size_t wire_size = 114) {
  Frame frame = Frame::with_capacity(Frame::kVnetHeader + wire_size);
  frame.resize(Frame::kVnetHeader + wire_size);
  std::fill_n(frame.data(), frame.bytes().size(), std::uint8_t{0});
  std::uint8_t* ethernet = frame.data() + Frame::kVnetHeader;
  ethernet[12] = 0x08;
  ethernet[14] = 0x45;
  ethernet[14 + 9] = 17;
  for (int i = 0; i < 4; ++i) ethernet[42 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return frame;
}

inline std::uint32_t number_of(const Frame& frame) {
  const auto bytes = frame.bytes().subspan(Frame::kVnetHeader + 42, 4);
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

struct Seen {
  std::uint32_t number = 0;
  Time time{};
  bool operator==(const Seen&) const = default;
};

// Everything that comes out until nothing is under way; pop() is called exactly at each wake-up.
inline std::vector<Seen> drain(ImpairedQueue& queue, Time until = kNever) {
  std::vector<Seen> seen;
  for (Time wake = queue.next_wake(); wake <= until && wake != kNever; wake = queue.next_wake()) {
    while (auto delivery = queue.pop(wake)) seen.push_back({number_of(delivery->frame), delivery->due});
  }
  return seen;
}

// Packets 1..count, one every `gap`, through a queue of its own.
inline std::vector<Seen> through(const Impairment& impairment, std::uint32_t count, Time gap,
                                 LinkCounters* counters = nullptr, std::size_t wire_size = 114) {
  ImpairedQueue queue(impairment);
  std::vector<Seen> seen;
  for (std::uint32_t i = 1; i <= count; ++i) {
    const auto before = drain(queue, gap * i);
    seen.insert(seen.end(), before.begin(), before.end());
    queue.push(gap * i, numbered_frame(i, wire_size));
  }
  const auto rest = drain(queue);
  seen.insert(seen.end(), rest.begin(), rest.end());
  if (counters != nullptr) *counters = queue.counters();
  return seen;
}

inline bool balances(const LinkCounters& c) {
  return c.received + c.duplicated ==
         c.delivered + c.lost + c.listed + c.too_big + c.queue_full + c.overflowed + c.waiting;
}

}  // namespace crypelab::impair
