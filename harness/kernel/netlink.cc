#include "harness/kernel/netlink.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include <fmt/format.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace crypelab::kernel {

namespace {

// The kernel fills dump messages up to 32 KiB where the reader's buffer allows it (netlink_dump()).
constexpr std::size_t kReceiveBuffer = 32 * 1024;
constexpr int kListTries = 10;
constexpr time_t kPatienceSeconds = 30;

// The kernel's words out of an acknowledgement (NETLINK_EXT_ACK): they follow the header of the request alone, because
// NETLINK_CAP_ACK leaves its body out.
std::string words_of(const nlmsghdr& header) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const std::size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(nlmsgerr));
  if (header.nlmsg_len < start) return {};
  const auto* bytes = reinterpret_cast<const char*>(&header);
  auto* first = const_cast<nlattr*>(reinterpret_cast<const nlattr*>(bytes + start));
  const auto* attribute = nla_find(first, static_cast<int>(header.nlmsg_len - start), NLMSGERR_ATTR_MSG);
  if (attribute == nullptr) return {};
  const auto* text = static_cast<const char*>(nla_data(attribute));
  return {text, strnlen(text, static_cast<std::size_t>(nla_len(attribute)))};
}

}  // namespace

void NetlinkMessage::Free::operator()(nl_msg* message) const { nlmsg_free(message); }

NetlinkMessage::NetlinkMessage(int type, int flags) : message_(nlmsg_alloc_simple(type, flags | NLM_F_REQUEST)) {
  if (message_ == nullptr) throw std::bad_alloc();
}

NetlinkMessage::~NetlinkMessage() = default;

void NetlinkMessage::append(const void* data, std::size_t size) {
  if (nlmsg_append(message_.get(), const_cast<void*>(data), size, NLMSG_ALIGNTO) != 0) throw std::bad_alloc();
}

void NetlinkMessage::put(int attribute, const void* data, std::size_t size) {
  if (nla_put(message_.get(), attribute, static_cast<int>(size), data) != 0) throw std::bad_alloc();
}

void NetlinkMessage::put_string(int attribute, std::string_view text) {
  put(attribute, std::string(text).c_str(), text.size() + 1);
}

void NetlinkMessage::put_address(int attribute, const Address& address) {
  put(attribute, address.bytes().data(), address.bits() / 8);
}

void NetlinkMessage::nest(int attribute, const std::function<void()>& fill) {
  nlattr* start = nla_nest_start(message_.get(), attribute);
  if (start == nullptr) throw std::bad_alloc();
  fill();
  nla_nest_end_keep_empty(message_.get(), start);
}

nlmsghdr* NetlinkMessage::bytes() const { return nlmsg_hdr(message_.get()); }

NetlinkSocket::NetlinkSocket(int protocol)
    : socket_(checked(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), "netlink socket")) {
  const int on = 1;
  // Kernels before 4.12 have no extended acknowledgements; then errors come without the kernel's words.
  setsockopt(socket_.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(socket_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  setsockopt(socket_.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  // The kernel answers within the system call that asks; an answer that never comes must end the lab, not hold it for
  // ever.
  const timeval patience{kPatienceSeconds, 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

std::uint32_t NetlinkSocket::send(const NetlinkMessage& message, int extra_flags) {
  nlmsghdr* header = message.bytes();
  header->nlmsg_seq = ++sequence_;
  header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | extra_flags);
  header->nlmsg_pid = 0;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  while (::sendto(socket_.get(), header, header->nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) < 0) {
    if (errno != EINTR) throw_errno("send to netlink");
  }
  return sequence_;
}

NetlinkAnswer NetlinkSocket::receive(std::uint32_t sequence, const std::function<void(const nlmsghdr&)>& take,
                                     bool& interrupted) {
  alignas(nlmsghdr) std::array<char, kReceiveBuffer> buffer;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) throw Failure(Exit::os, fmt::format("netlink gave no answer in {} s", kPatienceSeconds));
      throw_errno("receive from netlink");
    }
    if (static_cast<std::size_t>(got) > buffer.size()) throw Failure(Exit::os, "a netlink message longer than 32 KiB");
    int left = static_cast<int>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); nlmsg_ok(header, left) != 0;
         header = nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence) continue;  // the rest of an answer that an exception left unread
      if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (header->nlmsg_type == NLMSG_DONE) return {};
      if (header->nlmsg_type == NLMSG_ERROR) {
        const auto* error = static_cast<const nlmsgerr*>(nlmsg_data(header));
        return {-error->error, words_of(*header)};
      }
      if (take) take(*header);
    }
  }
}

NetlinkAnswer NetlinkSocket::ask(const NetlinkMessage& message) {
  bool interrupted = false;
  return receive(send(message, NLM_F_ACK), {}, interrupted);
}

NetlinkAnswer NetlinkSocket::ask_batch(std::initializer_list<const NetlinkMessage*> messages) {
  ++sequence_;
  std::string datagram;
  for (const auto* message : messages) {
    nlmsghdr* header = message->bytes();
    header->nlmsg_seq = sequence_;
    header->nlmsg_pid = 0;
    datagram.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
    datagram.resize(NLMSG_ALIGN(datagram.size()));
  }
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  while (::sendto(socket_.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) < 0) {
    if (errno != EINTR) throw_errno("send to netlink");
  }
  bool interrupted = false;
  return receive(sequence_, {}, interrupted);
}

void NetlinkSocket::request(const NetlinkMessage& message, std::string_view what, std::string_view feature) {
  if (const auto answer = ask(message); answer.error != 0) throw_refusal(answer, what, feature);
}

void NetlinkSocket::get(const NetlinkMessage& message, std::string_view what,
                        const std::function<void(const nlmsghdr&)>& take) {
  bool interrupted = false;
  const auto answer = receive(send(message, NLM_F_ACK), take, interrupted);
  if (answer.error != 0) throw_refusal(answer, what);
}

void NetlinkSocket::list(const NetlinkMessage& message, std::string_view what,
                         const std::function<void(const nlmsghdr&)>& take, const std::function<void()>& forget) {
  for (int left = kListTries; left > 0; --left) {
    bool interrupted = false;
    const auto answer = receive(send(message, 0), take, interrupted);
    if (answer.error == 0 && !interrupted) return;
    if (answer.error != 0 && answer.error != EINTR) throw_refusal(answer, what);
    forget();
  }
  throw_refusal({EINTR, "the objects changed each time while they were listed"}, what);
}

void throw_refusal(const NetlinkAnswer& answer, std::string_view what, std::string_view feature) {
  const bool absent = answer.error == EOPNOTSUPP || answer.error == ENOENT || answer.error == EPROTONOSUPPORT ||
                      answer.error == EAFNOSUPPORT || answer.error == EPFNOSUPPORT;
  std::string text(what);
  if (!answer.words.empty()) text += fmt::format(" (kernel: {})", answer.words);
  if (absent && !feature.empty()) {
    throw Failure(Exit::unavailable,
                  fmt::format("{}: {}: this kernel has no {}; load the module as root, or boot a kernel that has it",
                              text, std::strerror(answer.error), feature));
  }
  throw_system_error(text, answer.error);
}

}  // namespace crypelab::kernel
