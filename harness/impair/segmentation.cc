#include "harness/impair/segmentation.h"

#include <algorithm>
#include <cstring>

namespace crypelab::impair {
namespace {

constexpr std::size_t kHeader = Frame::kVnetHeader;
constexpr std::size_t kIp = Frame::kEthernetHeader;

std::uint16_t get16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
void put16(std::uint8_t* p, std::size_t v) {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
std::uint32_t get32(const std::uint8_t* p) { return std::uint32_t{get16(p)} << 16 | get16(p + 2); }
void put32(std::uint8_t* p, std::uint32_t v) {
  put16(p, v >> 16);
  put16(p + 2, v & 0xffff);
}

std::uint32_t folded(std::uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

struct Layout {
  bool tcp = false;
  bool v4 = false;
  std::size_t ip_header = 0;
  std::size_t transport = 0;  // offset in the frame
  std::size_t payload = 0;    // offset in the frame
  std::size_t size = 0;       // payload of a segment
};

// The kernel fills these fields for frames that it made itself, but the bytes came from a program under test.
bool read_layout(const VnetHeader& header, const std::uint8_t* frame, std::size_t size, Layout& layout) {
  const std::uint8_t type = header.aggregate & static_cast<std::uint8_t>(~VnetHeader::kEcn);
  layout.tcp = type == VnetHeader::kTcpV4 || type == VnetHeader::kTcpV6;
  if (!layout.tcp && type != VnetHeader::kUdp) return false;
  if ((header.flags & VnetHeader::kNeedsChecksum) == 0 || header.segment_size == 0 || size < kIp + 20) return false;
  const unsigned ethertype = get16(frame + 12);
  layout.v4 = ethertype == 0x0800;
  if (!layout.v4 && ethertype != 0x86dd) return false;
  layout.ip_header = layout.v4 ? (frame[kIp] & 0x0fu) * 4u : 40u;
  layout.transport = header.checksum_start;
  if (layout.ip_header < 20 || layout.transport < kIp + layout.ip_header) return false;
  const std::size_t fixed = layout.tcp ? 20 : 8;
  if (header.checksum_offset != (layout.tcp ? 16 : 6) || size < layout.transport + fixed) return false;
  const std::size_t length = layout.tcp ? (frame[layout.transport + 12] >> 4) * 4u : fixed;
  layout.payload = layout.transport + length;
  layout.size = header.segment_size;
  return length >= fixed && size > layout.payload;
}

void fix_ip(std::uint8_t* frame, const Layout& layout, std::size_t frame_size, std::size_t index) {
  std::uint8_t* ip = frame + kIp;
  if (!layout.v4) return put16(ip + 4, frame_size - kIp - 40);
  put16(ip + 2, frame_size - kIp);
  put16(ip + 4, (get16(ip + 4) + index) & 0xffff);
  put16(ip + 10, 0);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < layout.ip_header; i += 2) sum += get16(ip + i);
  put16(ip + 10, ~folded(sum) & 0xffff);
}

void fix_transport(std::uint8_t* frame, const Layout& layout, std::size_t old_length, std::size_t length,
                   std::size_t offset, bool first, bool last) {
  std::uint8_t* transport = frame + layout.transport;
  std::uint8_t* sum = transport + (layout.tcp ? 16 : 6);
  // The field holds the pseudo-header's sum, in which only the length changes (RFC 1624).
  put16(sum, folded(get16(sum) + (~old_length & 0xffff) + static_cast<std::uint32_t>(length)));
  if (!layout.tcp) return put16(transport + 4, length);
  put32(transport + 4, get32(transport + 4) + static_cast<std::uint32_t>(offset));
  if (!last) transport[13] &= static_cast<std::uint8_t>(~0x09);   // FIN and PSH belong to the last
  if (!first) transport[13] &= static_cast<std::uint8_t>(~0x80);  // CWR to the first
}

}  // namespace

bool segment(const Frame& aggregate, std::vector<Frame>& out) {
  const auto bytes = aggregate.bytes();
  if (bytes.size() <= kHeader) return false;
  VnetHeader header;
  std::memcpy(&header, bytes.data(), kHeader);
  const std::uint8_t* frame = bytes.data() + kHeader;
  const std::size_t size = bytes.size() - kHeader;
  Layout layout;
  if (!read_layout(header, frame, size, layout)) return false;

  header.aggregate = 0;
  header.segment_size = 0;
  header.header_size = 0;
  const std::size_t payload = size - layout.payload;
  for (std::size_t offset = 0, index = 0; offset < payload; offset += layout.size, ++index) {
    const std::size_t part = std::min(layout.size, payload - offset);
    Frame piece = Frame::with_capacity(kHeader + layout.payload + part);
    piece.resize(kHeader + layout.payload + part);
    std::uint8_t* to = piece.data() + kHeader;
    std::memcpy(piece.data(), &header, kHeader);
    std::memcpy(to, frame, layout.payload);
    std::memcpy(to + layout.payload, frame + layout.payload + offset, part);
    fix_ip(to, layout, layout.payload + part, index);
    fix_transport(to, layout, size - layout.transport, layout.payload + part - layout.transport, offset, index == 0,
                  offset + part == payload);
    out.push_back(std::move(piece));
  }
  return true;
}

}  // namespace crypelab::impair
