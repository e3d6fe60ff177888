#include "harness/kernel/packet_queue.h"

#include "harness/base/error.h"
#include "harness/kernel/netlink.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace crypelab::kernel {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargest = 66'000;  // a packet of 64 KiB and its attributes
constexpr int kReceiveBuffer = 4 << 20;
// enum of <linux/netfilter.h>, which does not go with the C library's headers in C++.
constexpr std::uint32_t kDrop = 0;
constexpr std::uint32_t kAccept = 1;
constexpr std::uint32_t kRepeat = 4;

// `code`: 0, or the errno of the kernel's answer.
int ask(int socket, const NetlinkMessage& message) {
  nlmsghdr* header = message.bytes();
  header->nlmsg_flags |= NLM_F_ACK;
  if (::send(socket, header, header->nlmsg_len, 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  while (true) {
    const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
    // Packets may come before the acknowledgement of what lets them come; nobody has asked for their contents yet.
    if (answer->nlmsg_type != NLMSG_ERROR) continue;
    return -static_cast<const nlmsgerr*>(nlmsg_data(answer))->error;
  }
}

NetlinkMessage& with_header(NetlinkMessage& message, std::uint16_t number) {
  message.header(nfgenmsg{0, NFNETLINK_V0, htons(number)});
  return message;
}

std::optional<QueuedPacket> parse(nlmsghdr* header) {
  if (header->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)) return std::nullopt;
  std::array<nlattr*, NFQA_MAX + 1> found{};
  if (nlmsg_parse(header, sizeof(nfgenmsg), found.data(), NFQA_MAX, nullptr) < 0) return std::nullopt;
  if (found[NFQA_PACKET_HDR] == nullptr || found[NFQA_PAYLOAD] == nullptr) return std::nullopt;
  QueuedPacket packet;
  packet.id = ntohl(static_cast<const nfqnl_msg_packet_hdr*>(nla_data(found[NFQA_PACKET_HDR]))->packet_id);
  if (found[NFQA_MARK] != nullptr) packet.mark = ntohl(nla_get_u32(found[NFQA_MARK]));
  packet.packet = {static_cast<const std::uint8_t*>(nla_data(found[NFQA_PAYLOAD])),
                   static_cast<std::size_t>(nla_len(found[NFQA_PAYLOAD]))};
  return packet;
}

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T& value) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

}  // namespace

PacketQueue::PacketQueue(std::uint16_t number, std::uint32_t most_packets)
    : number_(number),
      socket_(checked(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), "netlink socket")),
      buffers_(kBatch, std::vector<std::uint8_t>(kLargest)) {
  const auto configure = [this](int attribute, const auto& value) {
    NetlinkMessage message((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG, 0);
    with_header(message, number_).put(attribute, &value, sizeof value);
    if (const int error = ask(socket_.get(), message); error != 0) {
      throw_system_error(
          error == EBUSY || error == EPERM
              ? fmt::format("listen to packet queue {}: another program does, or a privilege is missing", number_)
              : fmt::format("listen to packet queue {}", number_),
          error);
    }
  };
  configure(NFQA_CFG_CMD, nfqnl_msg_config_cmd{NFQNL_CFG_CMD_BIND, 0, 0});
  configure(NFQA_CFG_QUEUE_MAXLEN, htonl(most_packets));
  configure(NFQA_CFG_PARAMS, nfqnl_msg_config_params{htonl(0xffff), NFQNL_COPY_PACKET});
  const int on = 1;
  // What does not fit is dropped, as the queue's own limit has it; nothing here would do anything else about it.
  setsockopt(socket_.get(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  }
}

std::span<const QueuedPacket> PacketQueue::receive() {
  packets_.clear();
  for (auto& buffer : buffers_) {
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) break;
    int left = static_cast<int>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(header, left) != 0;
         header = nlmsg_next(header, &left)) {
      if (const auto packet = parse(header)) packets_.push_back(*packet);
    }
  }
  return packets_;
}

void PacketQueue::accept(std::uint32_t id) { verdict(id, kAccept, nullptr); }
void PacketQueue::drop(std::uint32_t id) { verdict(id, kDrop, nullptr); }
void PacketQueue::repeat(std::uint32_t id, std::uint32_t mark) { verdict(id, kRepeat, &mark); }

void PacketQueue::verdict(std::uint32_t id, std::uint32_t what, const std::uint32_t* mark) {
  const nfqnl_msg_verdict_hdr ruling{htonl(what), htonl(id)};
  const auto size =
      NLMSG_HDRLEN + sizeof(nfgenmsg) + NLA_HDRLEN + sizeof ruling + (mark != nullptr ? NLA_HDRLEN + sizeof *mark : 0);
  append(verdicts_,
         nlmsghdr{static_cast<std::uint32_t>(size),
                  static_cast<std::uint16_t>((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_VERDICT), NLM_F_REQUEST, 0, 0});
  append(verdicts_, nfgenmsg{0, NFNETLINK_V0, htons(number_)});
  append(verdicts_, nlattr{static_cast<std::uint16_t>(NLA_HDRLEN + sizeof ruling), NFQA_VERDICT_HDR});
  append(verdicts_, ruling);
  if (mark == nullptr) return;
  append(verdicts_, nlattr{static_cast<std::uint16_t>(NLA_HDRLEN + sizeof *mark), NFQA_MARK});
  append(verdicts_, htonl(*mark));
}

void PacketQueue::flush() {
  if (verdicts_.empty()) return;
  while (::send(socket_.get(), verdicts_.data(), verdicts_.size(), 0) < 0) {
    if (errno == EINTR) continue;
    throw_errno("give verdicts to the kernel");
  }
  verdicts_.clear();
}

}  // namespace crypelab::kernel
