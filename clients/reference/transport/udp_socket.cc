#include "clients/reference/transport/udp_socket.h"

#include "harness/base/socket_address.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace crypelab::client::transport {

using boost::asio::ip::udp;

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t room = 2'048;  // of one datagram in a batch: more than any path here carries unfragmented
constexpr unsigned most_batches = 8;
constexpr unsigned most_tries = 4;
constexpr int buffer_size = 1 << 20;

bool is_hard(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EACCES ||
         error == ENOPROTOOPT || error == EPERM;
}

// What every socket of a thread reads into: nothing is kept over a call.
struct Scratch {
  std::array<std::array<std::uint8_t, room>, batch> bytes;
  std::array<SocketAddress, batch> from;
  std::array<iovec, batch> parts;
  std::array<mmsghdr, batch> messages;
};
Scratch& scratch() {
  static thread_local Scratch one;
  return one;
}

}  // namespace

class UdpSocket::Body : public std::enable_shared_from_this<Body> {
 public:
  Body(udp::socket socket, const Endpoint& local, Receiver& receiver)
      : socket_(std::move(socket)), local_(local), receiver_(&receiver) {}

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
    queue_.insert(queue_.end(), bytes.begin(), bytes.end());
    targets_.push_back({SocketAddress(to), to, bytes.size()});
    if (targets_.size() == batch) return flush();
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
    std::array<iovec, batch> parts{};
    std::array<mmsghdr, batch> messages{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      auto& target = targets_[i];
      parts[i] = {queue_.data() + at, target.size};
      at += target.size;
      messages[i].msg_hdr.msg_name = target.address.data();
      messages[i].msg_hdr.msg_namelen = target.address.size();
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    bool all = true;
    std::vector<std::pair<Endpoint, int>> refused;
    unsigned tries = 0;
    for (std::size_t done = 0; done < targets_.size();) {
      const int n = sendmmsg(socket_.native_handle(), messages.data() + done,
                             static_cast<unsigned>(targets_.size() - done), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        done += static_cast<std::size_t>(n);
        tries = 0;
        continue;
      }
      if (errno == EINTR) continue;
      all = false;
      if (errno == EAGAIN || errno == ENOBUFS) break;  // full: what is left is lost
      // The kernel tells here what ICMP said of an earlier one, whoever that went to, and sends nothing. The error
      // queue tells it as well, and of whom.
      if (is_hard(errno) && ++tries < most_tries) continue;
      // This one cannot go: no route, or a firewall of this machine's.
      if (is_hard(errno)) refused.emplace_back(targets_[done].endpoint, errno);
      tries = 0;
      ++done;
    }
    targets_.clear();
    queue_.clear();
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
  struct Target {
    SocketAddress address;
    Endpoint endpoint;
    std::size_t size = 0;
  };

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
    for (unsigned round = 0; round < most_batches && receiver_ != nullptr; ++round) {
      auto& into = scratch();
      for (std::size_t i = 0; i < batch; ++i) {
        into.parts[i] = {into.bytes[i].data(), room};
        into.messages[i] = {};
        into.messages[i].msg_hdr.msg_name = into.from[i].data();
        into.messages[i].msg_hdr.msg_namelen = *into.from[i].size_for_kernel();
        into.messages[i].msg_hdr.msg_iov = &into.parts[i];
        into.messages[i].msg_hdr.msg_iovlen = 1;
      }
      const int n = recvmmsg(socket_.native_handle(), into.messages.data(), batch, MSG_DONTWAIT, nullptr);
      if (n < 0 && errno != EAGAIN && errno != EINTR) read_errors();
      if (n <= 0) return;
      for (int i = 0; i < n && receiver_ != nullptr; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const auto& message = into.messages[at];
        if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
        receiver_->datagram(into.from[at].endpoint(), wire::Bytes(into.bytes[at]).first(message.msg_len));
      }
      if (static_cast<std::size_t>(n) < batch) return;
    }
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
  std::vector<std::uint8_t> queue_;
  std::vector<Target> targets_;
  bool posted_ = false;
};

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(boost::asio::any_io_executor executor, const Endpoint& local,
                                                   Receiver& receiver) {
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
  SocketAddress address(local);
  if (::bind(fd, address.data(), address.size()) != 0) {
    return Complaint{fmt::format("{}: {}", to_string(local), std::strerror(errno))};
  }
  if (::getsockname(fd, address.data(), address.size_for_kernel()) != 0) return Complaint{"a socket without a name"};
  socket.non_blocking(true, error);
  auto body = std::make_shared<Body>(std::move(socket), address.endpoint(), receiver);
  body->listen();
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(body)));
}

UdpSocket::UdpSocket(std::shared_ptr<Body> body) : body_(std::move(body)) {}
UdpSocket::~UdpSocket() { body_->end(); }

const Endpoint& UdpSocket::local() const { return body_->local(); }
bool UdpSocket::send(const Endpoint& to, wire::Bytes bytes) { return body_->send(to, bytes); }
void UdpSocket::flush() { body_->flush(); }

}  // namespace crypelab::client::transport
