#include "clients/reference/transport/datagram_train.h"

#include <algorithm>
#include <cstring>

#include <netinet/udp.h>

namespace crypelab::client::transport {

void DatagramTrain::add(const Endpoint& to, wire::Bytes bytes) {
  cars_.push_back({SocketAddress(to), to, bytes_.size(), bytes.size()});
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void DatagramTrain::clear() {
  cars_.clear();
  bytes_.clear();
}

std::size_t DatagramTrain::together(std::size_t first, std::size_t largest) const {
  const auto& head = cars_[first];
  if (head.size == 0 || head.size > largest) return 1;
  const auto most = std::min(cars_.size() - first, most_bytes / head.size);
  std::size_t count = 1;
  while (count < most) {
    const auto& next = cars_[first + count];
    if (next.size == 0 || next.size > head.size || next.endpoint != head.endpoint) break;
    ++count;
    if (next.size < head.size) break;
  }
  return count;
}

void DatagramTrain::messages(std::size_t first, std::size_t apart, std::size_t largest, Messages& out) {
  out.count = 0;
  for (auto at = first; at < cars_.size(); ++out.count) {
    auto& head = cars_[at];
    const auto datagrams = at < apart ? 1 : together(at, largest);
    const auto& last = cars_[at + datagrams - 1];
    const auto i = out.count;
    out.parts[i] = {bytes_.data() + head.at, last.at + last.size - head.at};
    out.datagrams[i] = datagrams;
    out.headers[i] = {};
    auto& header = out.headers[i].msg_hdr;
    header.msg_name = head.address.data();
    header.msg_namelen = head.address.size();
    header.msg_iov = &out.parts[i];
    header.msg_iovlen = 1;
    if (datagrams > 1) {
      out.control[i] = {};
      header.msg_control = out.control[i].data();
      header.msg_controllen = out.control[i].size();
      auto* const control = CMSG_FIRSTHDR(&header);
      control->cmsg_level = SOL_UDP;
      control->cmsg_type = UDP_SEGMENT;
      const auto size = static_cast<std::uint16_t>(head.size);
      control->cmsg_len = CMSG_LEN(sizeof size);
      std::memcpy(CMSG_DATA(control), &size, sizeof size);
    }
    at += datagrams;
  }
}

std::optional<std::size_t> segment_size(msghdr& received) {
  for (auto* one = CMSG_FIRSTHDR(&received); one != nullptr; one = CMSG_NXTHDR(&received, one)) {
    int size = 0;
    if (one->cmsg_level != SOL_UDP || one->cmsg_type != UDP_GRO || one->cmsg_len < CMSG_LEN(sizeof size)) continue;
    std::memcpy(&size, CMSG_DATA(one), sizeof size);
    if (size > 0) return static_cast<std::size_t>(size);
  }
  return std::nullopt;
}

}  // namespace crypelab::client::transport
