#include "harness/impair/frame.h"

#include <algorithm>
#include <cstring>

namespace crypelab::impair {

Frame Frame::with_capacity(std::size_t capacity) {
  Frame frame;
  frame.data_ = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  frame.capacity_ = static_cast<std::uint32_t>(capacity);
  return frame;
}

Frame Frame::copy_of(std::span<const std::uint8_t> bytes) {
  Frame frame = with_capacity(bytes.size());
  if (!bytes.empty()) std::memcpy(frame.data(), bytes.data(), bytes.size());
  frame.resize(bytes.size());
  return frame;
}

bool is_link_control(std::span<const std::uint8_t> frame) {
  constexpr std::size_t type = Frame::kVnetHeader + 12;
  constexpr std::size_t ip = Frame::kVnetHeader + Frame::kEthernetHeader;
  if (frame.size() < ip) return true;
  const unsigned ethertype = frame[type] * 256u + frame[type + 1];
  if (ethertype == 0x0800) return frame.size() < ip + 20 || frame[ip + 9] == 2;  // IGMP
  if (ethertype != 0x86dd || frame.size() < ip + 40) return true;
  std::size_t next = ip + 40;
  unsigned protocol = frame[ip + 6];
  if (protocol == 0 && frame.size() > next + 1) {  // hop-by-hop options carry MLD's router alert (RFC 3810 section 5)
    protocol = frame[next];
    next += (frame[next + 1] + 1u) * 8;
  }
  if (protocol != 58 || frame.size() <= next) return false;
  const unsigned message = frame[next];
  return (message >= 130 && message <= 137) || message == 143;  // MLD, router and neighbour discovery, MLDv2
}

}  // namespace crypelab::impair
