#include "harness/probe/stream.h"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

namespace crypelab::probe {

Stream::Stream(const Endpoint& to, std::optional<Endpoint> local) : socket_(open_tcp(to.address.family())) {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (local && local->address.family() != to.address.family()) {
    ended_ = measure::Outcome::no_route;
    return;
  }
  if (local) bind_to(socket_, *local);
  const auto address = to_socket_address(to);
  if (::connect(socket_.get(), address.get(), address.size) == 0) {
    stands_ = true;
  } else if (errno != EINPROGRESS) {
    fail(errno);
    return;
  }
  local_ = local_endpoint(socket_);
}

measure::Outcome Stream::outcome() const {
  if (ended_) return *ended_;
  return stands_ ? measure::Outcome::accepted : measure::Outcome::silent;
}

void Stream::fail(int error) {
  ended_ = outcome_of_error(error);
  if (stands_ && error == ETIMEDOUT) ended_ = measure::Outcome::accepted;
  for (const auto& icmp : read_errors(socket_)) {
    if (icmp.too_big || !icmp.from) continue;
    ended_ = icmp.outcome;
    icmp_from_ = icmp.from;
  }
}

short Stream::events() const {
  if (ended_) return 0;
  return stands_ ? POLLIN : POLLOUT;
}

void Stream::ready(short revents) {
  if (revents == 0 || ended_) return;
  if (!stands_) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      fail(error);
    } else if ((revents & POLLOUT) != 0) {
      stands_ = true;
    } else {
      read_errors(socket_);  // told by ICMP, and TCP goes on all the same
    }
  } else if ((revents & POLLERR) != 0) {
    read_errors(socket_);
  }
}

wire::Bytes Stream::read(ReceiveBuffer& buffer) {
  if (!stands_ || ended_) return {};
  const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size > 0) return wire::Bytes(buffer).first(static_cast<std::size_t>(size));
  if (size == 0) {
    ended_ = measure::Outcome::closed;
  } else if (errno != EAGAIN && errno != EINTR) {
    fail(errno);
  }
  return {};
}

std::size_t Stream::write(wire::Bytes bytes) {
  if (!stands_ || ended_) return 0;
  const auto size = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  if (errno != EAGAIN && errno != EINTR) fail(errno);
  return 0;
}

void Stream::close_writing() { ::shutdown(socket_.get(), SHUT_WR); }

}  // namespace crypelab::probe
