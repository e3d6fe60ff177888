#include "clients/reference/transport/udp_socket.h"

#include "clients/reference/transport/datagram_train.h"
#include "harness/base/socket_address.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

namespace crypelab::client::transport {

using boost::asio::ip::udp;

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t largest_taken = 2'048;  // of one datagram: more than any path here carries unfragmented
// Of what the kernel has put together (UDP_GRO). Not a power of two: 64 KiB apart all beginnings would be in one place
// of the processor's caches.
constexpr std::size_t joined_room = 65 * 1'024;
constexpr std::size_t most_at_once = 512;  // datagrams in one turn of the event loop, before the last batch
constexpr unsigned most_tries = 4;
constexpr int buffer_size = 1 << 20;

// The largest segment that is worth another try after the kernel did not cut `size` bytes each. Linux before 6.14 says
// EINVAL too of what is larger than the path takes, which is never so of what every path takes (RFC 8200 §5).
std::size_t largest_after(int error, std::size_t size, std::size_t before) {
  constexpr std::size_t every_path = 1'280 - 40 - 8;
  if (error == EMSGSIZE || (error == EINVAL && size > every_path)) return size - 1;
  // A kernel that cuts nothing, or a device that does not fill in checksums.
  return error == EINVAL || error == EIO || error == EOPNOTSUPP ? 0 : before;
}

bool is_hard(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EACCES ||
         error == ENOPROTOOPT || error == EPERM;
}

// What every socket of a thread reads into: nothing is kept over a call. Only what datagrams have reached of it is in
// memory.
struct Scratch {
  std::unique_ptr<std::uint8_t[]> bytes{new std::uint8_t[batch * joined_room]};
  std::array<SocketAddress, batch> from;
  std::array<iovec, batch> parts;
  alignas(cmsghdr) std::array<std::array<std::uint8_t, CMSG_SPACE(sizeof(int))>, batch> control;
  std::array<mmsghdr, batch> messages;
};
Scratch& scratch() {
  static thread_local Scratch one;
  return one;
}

}  // namespace

class UdpSocket::Body : public std::enable_shared_from_this<Body> {
 public:
  Body(udp::socket socket, const Endpoint& local, Receiver& receiver, std::size_t largest_segment, std::size_t room)
      : socket_(std::move(socket)),
        local_(local),
        receiver_(&receiver),
        largest_segment_(largest_segment),
        room_(room) {}

  const Endpoint& local() const { return local_; }

  void listen() {
    wait_readable();
    wait_error();
  }

  void end() {
    receiver_ = nullptr;
    flush();
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  bool send(const Endpoint& to, wire::Bytes bytes) {
    if (bytes.size() > largest_datagram || !socket_.is_open()) return false;
    train_.add(to, bytes);
    if (train_.full()) return flush();
    if (!posted_) {
      posted_ = true;
      boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->posted_ = false;
        self->flush();
      });
    }
    return true;
  }

  bool flush() {
    bool all = true;
    std::vector<std::pair<Endpoint, int>> refused;
    unsigned tries = 0;
    std::size_t apart = 0;
    DatagramTrain::Messages messages;
    for (std::size_t done = 0; done < train_.size();) {
      train_.messages(done, apart, largest_segment_, messages);
      const int n = sendmmsg(socket_.native_handle(), messages.headers.data(), static_cast<unsigned>(messages.count),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        for (int i = 0; i < n; ++i) done += messages.datagrams[static_cast<std::size_t>(i)];
        tries = 0;
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == ENOBUFS) {  // full: what is left is lost
        all = false;
        break;
      }
      // The kernel tells here what ICMP said of an earlier one, whoever that went to, and sends nothing. The error
      // queue tells it as well, and of whom.
      if (is_hard(errno) && ++tries < most_tries) continue;
      tries = 0;
      // What cannot go as one may go as many.
      if (messages.datagrams[0] > 1) {
        largest_segment_ = largest_after(errno, train_.size_of(done), largest_segment_);
        apart = done + messages.datagrams[0];
        continue;
      }
      // This one cannot go: no route, or a firewall of this machine's.
      all = false;
      if (is_hard(errno)) refused.emplace_back(train_.to(done), errno);
      ++done;
    }
    train_.clear();
    if (!refused.empty() && receiver_ != nullptr) {
      boost::asio::post(socket_.get_executor(), [self = shared_from_this(), refused = std::move(refused)] {
        for (const auto& [to, error] : refused) {
          if (self->receiver_ != nullptr) self->receiver_->unreachable(to, error);
        }
      });
    }
    return all;
  }

 private:
  void wait_readable() {
    socket_.async_wait(udp::socket::wait_read, [self = shared_from_this()](boost::system::error_code error) {
      if (error || self->receiver_ == nullptr) return;
      self->read();
      if (self->receiver_ != nullptr) self->wait_readable();
    });
  }
  void wait_error() {
    socket_.async_wait(udp::socket::wait_error, [self = shared_from_this()](boost::system::error_code error) {
      if (error || self->receiver_ == nullptr) return;
      self->read_errors();
      if (self->receiver_ != nullptr) self->wait_error();
    });
  }

  void read() {
    auto& into = scratch();
    for (std::size_t taken = 0; taken < most_at_once && receiver_ != nullptr;) {
      for (std::size_t i = 0; i < batch; ++i) {
        into.parts[i] = {into.bytes.get() + i * room_, room_};
        into.messages[i] = {};
        auto& header = into.messages[i].msg_hdr;
        header.msg_name = into.from[i].data();
        header.msg_namelen = *into.from[i].size_for_kernel();
        header.msg_iov = &into.parts[i];
        header.msg_iovlen = 1;
        header.msg_control = into.control[i].data();
        header.msg_controllen = into.control[i].size();
      }
      const int n = recvmmsg(socket_.native_handle(), into.messages.data(), batch, MSG_DONTWAIT, nullptr);
      if (n < 0 && errno != EAGAIN && errno != EINTR) read_errors();
      if (n <= 0) return;
      for (int i = 0; i < n && receiver_ != nullptr; ++i) {
        const auto at = static_cast<std::size_t>(i);
        auto& message = into.messages[at];
        if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
        taken += hand_over(into.from[at].endpoint(), wire::Bytes(into.bytes.get() + at * room_, message.msg_len),
                           segment_size(message.msg_hdr).value_or(message.msg_len));
      }
      if (static_cast<std::size_t>(n) < batch) return;
    }
  }

  // Each datagram of a message; how many. One that is larger than `largest_taken` is not taken.
  std::size_t hand_over(const Endpoint& from, wire::Bytes message, std::size_t size) {
    std::size_t count = 0;
    do {
      const auto one = message.first(std::min(size, message.size()));
      message = message.subspan(one.size());
      if (one.size() <= largest_taken) receiver_->datagram(from, one);
      ++count;
    } while (!message.empty() && receiver_ != nullptr);
    return count;
  }

  // The error queue (IP_RECVERR): which datagram an ICMP message is about.
  void read_errors() {
    for (unsigned round = 0; round < batch && receiver_ != nullptr; ++round) {
      SocketAddress to;
      std::array<std::uint8_t, 64> ignored{};
      alignas(cmsghdr) std::array<std::uint8_t, 512> control{};
      iovec part{ignored.data(), ignored.size()};
      msghdr message{};
      message.msg_name = to.data();
      message.msg_namelen = *to.size_for_kernel();
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (recvmsg(socket_.native_handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
      for (auto* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
        const bool v4 = one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_RECVERR;
        const bool v6 = one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_RECVERR;
        if (!v4 && !v6) continue;
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(one), sizeof error);
        if (is_hard(static_cast<int>(error.ee_errno)) && receiver_ != nullptr) {
          receiver_->unreachable(to.endpoint(), static_cast<int>(error.ee_errno));
        }
      }
    }
  }

  udp::socket socket_;
  Endpoint local_;
  Receiver* receiver_;
  DatagramTrain train_;
  std::size_t largest_segment_;  // that the kernel cuts on the paths of this socket; 0: none
  std::size_t room_;             // for a message to be read
  bool posted_ = false;
};

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(boost::asio::any_io_executor executor, const Endpoint& local,
                                                   Receiver& receiver, Offload offload) {
  udp::socket socket(std::move(executor));
  const bool v6 = local.address.is_v6();
  boost::system::error_code error;
  socket.open(v6 ? udp::v6() : udp::v4(), error);
  if (error) return Complaint{fmt::format("no UDP socket: {}", error.message())};
  const int fd = socket.native_handle();
  const int on = 1;
  if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  setsockopt(fd, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
  // A kernel that does not know UDP_SEGMENT passes over it in a message and sends all as one datagram: ask it first.
  const int whole = 0;
  const bool cuts = offload == Offload::segments && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &whole, sizeof whole) == 0;
  const bool joins = offload == Offload::segments && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
  SocketAddress address(local);
  if (::bind(fd, address.data(), address.size()) != 0) {
    return Complaint{fmt::format("{}: {}", to_string(local), std::strerror(errno))};
  }
  if (::getsockname(fd, address.data(), address.size_for_kernel()) != 0) return Complaint{"a socket without a name"};
  socket.non_blocking(true, error);
  auto body = std::make_shared<Body>(std::move(socket), address.endpoint(), receiver,
                                     cuts ? DatagramTrain::most_bytes : 0, joins ? joined_room : largest_taken);
  body->listen();
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(body)));
}

UdpSocket::UdpSocket(std::shared_ptr<Body> body) : body_(std::move(body)) {}
UdpSocket::~UdpSocket() { body_->end(); }

const Endpoint& UdpSocket::local() const { return body_->local(); }
bool UdpSocket::send(const Endpoint& to, wire::Bytes bytes) { return body_->send(to, bytes); }
void UdpSocket::flush() { body_->flush(); }

}  // namespace crypelab::client::transport
