#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace crypelab::impair {

// `struct virtio_net_hdr` as packet sockets use it (PACKET_VNET_HDR, packet(7); virtio 1.1 section 5.1.6), in host
// order: what is left to do with a frame, checksum and segmentation. All zero: nothing. (The kernel's header file is no
// C++.)
struct VnetHeader {
  static constexpr std::uint8_t kNeedsChecksum = 1;  // in flags: checksum_start and checksum_offset are meant
  static constexpr std::uint8_t kTcpV4 = 1;          // aggregates
  static constexpr std::uint8_t kTcpV6 = 4;
  static constexpr std::uint8_t kUdp = 5;
  static constexpr std::uint8_t kEcn = 0x80;  // a flag beside the aggregate

  std::uint8_t flags = 0;
  std::uint8_t aggregate = 0;  // 0: a single packet
  std::uint16_t header_size = 0;
  std::uint16_t segment_size = 0;
  std::uint16_t checksum_start = 0;  // of TCP or UDP in the frame
  std::uint16_t checksum_offset = 0;
};
static_assert(sizeof(VnetHeader) == 10);

// An Ethernet frame in a buffer of its own, behind a VnetHeader.
class Frame {
 public:
  static constexpr std::size_t kVnetHeader = sizeof(VnetHeader);
  static constexpr std::size_t kEthernetHeader = 14;

  Frame() = default;
  // A buffer for `capacity` bytes, header included; their content is not defined.
  static Frame with_capacity(std::size_t capacity);
  // `bytes` begin with the vnet header.
  static Frame copy_of(std::span<const std::uint8_t> bytes);

  std::uint8_t* data() { return data_.get(); }
  std::size_t capacity() const { return capacity_; }
  // Vnet header and frame.
  std::span<const std::uint8_t> bytes() const { return {data_.get(), size_}; }
  // At most the capacity.
  void resize(std::size_t size) { size_ = static_cast<std::uint32_t>(size); }
  // The frame on the wire: from the destination address to the end of the payload.
  std::size_t wire_size() const { return size_ > kVnetHeader ? size_ - kVnetHeader : 0; }
  // What an MTU counts.
  std::size_t ip_size() const { return wire_size() > kEthernetHeader ? wire_size() - kEthernetHeader : 0; }
  // More than one packet of the wire in one buffer, cut by whoever is last to be able to (segmentation offload).
  bool is_aggregate() const { return size_ >= kVnetHeader && data_[1] != 0; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

// Whether a frame is a link's own business and not traffic: ARP, IPv6 neighbour and router discovery and MLD, IGMP, and
// everything that is not IP. `frame` begins with the vnet header.
bool is_link_control(std::span<const std::uint8_t> frame);

}  // namespace crypelab::impair
