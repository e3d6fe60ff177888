#include "harness/kernel/packet_socket.h"

#include "harness/base/error.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace crypelab::kernel {

namespace {
constexpr std::size_t largest_packet = 65536;
constexpr std::size_t most_descriptors = 8;
}  // namespace

std::pair<PacketSocket, PacketSocket> PacketSocket::pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) throw_errno("making a socket pair");
  return {PacketSocket(Descriptor(ends[0])), PacketSocket(Descriptor(ends[1]))};
}

void PacketSocket::hang_up() {
  if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
  close();
}

bool PacketSocket::send(std::string_view bytes, const std::vector<int>& descriptors) const {
  if (bytes.size() > largest_packet || descriptors.size() > most_descriptors)
    throw_system_error("sending a message", EMSGSIZE);
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: iovec has no const form
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET || errno == EAGAIN || errno == ENOTCONN) return false;
    throw_errno("sending a message");
  }
  return true;
}

std::optional<Packet> PacketSocket::receive() const {
  bool ended = false;
  return receive(0, ended);
}

std::optional<Packet> PacketSocket::poll(bool& ended) const { return receive(MSG_DONTWAIT, ended); }

std::optional<Packet> PacketSocket::receive(int flags, bool& ended) const {
  Packet packet;
  packet.bytes.resize(largest_packet);
  iovec part{packet.bytes.data(), packet.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = 0;
  while ((size = ::recvmsg(socket_.get(), &message, flags | MSG_CMSG_CLOEXEC)) < 0) {
    // A reset is reported once; what the other side said before it went comes after.
    if (errno == EINTR || errno == ECONNRESET) continue;
    if (errno == EAGAIN) return std::nullopt;
    throw_errno("receiving a message");
  }
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && size > 0;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      packet.descriptors.emplace_back(fd);
    }
  }
  if (size == 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    ended = true;
    return std::nullopt;
  }
  packet.bytes.resize(static_cast<std::size_t>(size));
  return packet;
}

PacketSocket::Peer PacketSocket::peer() const {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
    throw_errno("asking who is at the other end of a socket");
  return {credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace crypelab::kernel
