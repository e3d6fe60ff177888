#pragma once

#include "harness/base/socket_address.h"
#include "harness/wire/bytes.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <sys/socket.h>

namespace crypelab::client::transport {

// Datagrams that wait for the kernel, in the order in which they go. Neighbours to one endpoint with one size, the last
// of them may be shorter, can go as one message that the kernel cuts (UDP_SEGMENT, netinet/udp.h; Linux 4.18).
class DatagramTrain {
 public:
  static constexpr std::size_t most_datagrams = 64;  // UDP_MAX_SEGMENTS of one message, in every kernel that cuts
  static constexpr std::size_t most_bytes = 65'507;  // of one message: what fits into one datagram of IPv4

  // The messages for sendmmsg(2). Points into the train: good until that is changed.
  struct Messages {
    alignas(cmsghdr) std::array<std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))>, most_datagrams> control;
    std::array<iovec, most_datagrams> parts;
    std::array<mmsghdr, most_datagrams> headers;
    std::array<std::size_t, most_datagrams> datagrams;  // that each carries
    std::size_t count = 0;
  };

  bool full() const { return cars_.size() == most_datagrams; }
  std::size_t size() const { return cars_.size(); }
  const Endpoint& to(std::size_t datagram) const { return cars_[datagram].endpoint; }
  std::size_t size_of(std::size_t datagram) const { return cars_[datagram].size; }

  // Only when it is not full.
  void add(const Endpoint& to, wire::Bytes bytes);
  void clear();
  // Those of the datagrams from `first` on. What comes before `apart`, or is larger than `largest`, goes one by one.
  void messages(std::size_t first, std::size_t apart, std::size_t largest, Messages& out);

 private:
  struct Car {
    SocketAddress address;
    Endpoint endpoint;
    std::size_t at = 0;
    std::size_t size = 0;
  };
  std::size_t together(std::size_t first, std::size_t largest) const;

  std::vector<std::uint8_t> bytes_;
  std::vector<Car> cars_;
};

// The size of each datagram but the last in a message that the kernel has put together (UDP_GRO; Linux 5.0); absent for
// one that is a datagram by itself.
std::optional<std::size_t> segment_size(msghdr& received);

}  // namespace crypelab::client::transport
