#include "clients/reference/transport/host_socket.h"

#include <algorithm>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;

HostSocket::Asked::Asked(HostSocket& owner, const Endpoint& at, stun::ServerBinding::Settings settings, Random& random,
                         Time now)
    : socket(owner), server(at), binding(settings, random, *this, now) {}

HostSocket::HostSocket(const boost::asio::any_io_executor& executor, ice::Base base, Random& random, Listener& listener,
                       const Misbehaviour& misbehaviour)
    : base_(base), random_(random), listener_(listener), misbehaviour_(misbehaviour), timer_(executor) {}

Result<std::unique_ptr<HostSocket>> HostSocket::open(boost::asio::any_io_executor executor, ice::Base base,
                                                     const Endpoint& local, Random& random, Listener& listener,
                                                     const Misbehaviour& misbehaviour) {
  std::unique_ptr<HostSocket> host(new HostSocket(executor, base, random, listener, misbehaviour));
  auto socket = UdpSocket::open(executor, local, *host);
  if (!socket) return Complaint{socket.complaint()};
  host->socket_ = std::move(*socket);
  return host;
}

HostSocket::~HostSocket() { *alive_ = false; }

void HostSocket::ask(const Endpoint& server) {
  // Who did not answer may now.
  std::erase_if(asked_, [&](const Asked& one) { return one.server == server && one.binding.failure(); });
  if (server.address.family() != local().address.family() || asked_.size() >= most_servers) return;
  if (std::any_of(asked_.begin(), asked_.end(), [&](const Asked& one) { return one.server == server; })) return;
  asked_.emplace_back(*this, server, stun::ServerBinding::Settings{.misbehaviour = misbehaviour_}, random_,
                      Clock::now());
  arm();
}

bool HostSocket::decided() const {
  return std::all_of(asked_.begin(), asked_.end(), [](const Asked& one) { return one.binding.decided(); });
}

void HostSocket::conclude() {
  for (auto& one : asked_) one.binding.conclude();
}

void HostSocket::datagram(const Endpoint& from, wire::Bytes bytes) {
  for (auto& one : asked_) {
    if (one.server != from) continue;
    const auto message = wire::StunMessage::parse(bytes);
    if (!message || !one.binding.receive(*message, Clock::now())) break;
    tell();
    return;
  }
  listener_.received({base_, from}, bytes);
}

void HostSocket::unreachable(const Endpoint& to, int) {
  // Of a STUN server: its retransmissions may still find it, and nobody waits for them.
  if (std::any_of(asked_.begin(), asked_.end(), [&](const Asked& one) { return one.server == to; })) return;
  listener_.unreachable({base_, to});
}

void HostSocket::tell() {
  for (auto& one : asked_) {
    if (!one.binding.mapped() || one.told == one.binding.mapped()) continue;
    one.told = one.binding.mapped();
    listener_.reflexive(base_, local(), *one.told, one.server.address);
  }
  arm();
}

void HostSocket::arm() {
  std::optional<Time> due;
  for (const auto& one : asked_) due = earlier(due, one.binding.next());
  if (!due) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*due);
  timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    for (auto& one : asked_) one.binding.wake(Clock::now());
    tell();
  });
}

}  // namespace crypelab::client::transport
