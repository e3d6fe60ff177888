#include "harness/gate/border.h"

#include "harness/base/error.h"
#include "harness/base/socket_address.h"
#include "harness/gate/log.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace crypelab::gate {
namespace {

Time steady_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

Descriptor raw_socket(int family, int level, int whole_packets) {
  auto raw = checked(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW), "a raw socket");
  const int on = 1;
  if (setsockopt(raw.get(), level, whole_packets, &on, sizeof on) != 0) throw_errno("a raw socket for whole packets");
  return raw;
}

}  // namespace

Border::Border(const Configuration& configuration)
    : queue_(configuration.queue),
      gate_(configuration),
      raw4_(raw_socket(AF_INET, IPPROTO_IP, IP_HDRINCL)),
      raw6_(raw_socket(AF_INET6, IPPROTO_IPV6, IPV6_HDRINCL)) {}

void Border::run(int stop) {
  Outcome outcome;
  Time swept = steady_now();
  while (true) {
    std::array<pollfd, 2> polled{pollfd{queue_.descriptor(), POLLIN, 0}, pollfd{stop, POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), gate_.flows() == 0 ? -1 : 1000) < 0 && errno != EINTR) {
      throw_errno("wait for packets");
    }
    if (polled[1].revents != 0) return;
    const auto now = steady_now();
    for (const auto& packet : queue_.receive()) {
      gate_.judge({packet.id, packet.mark & mark::policy, (packet.mark & mark::inbound) != 0 ? Way::in : Way::out,
                   packet.packet},
                  now, outcome);
    }
    if (now - swept >= std::chrono::seconds(1)) {
      gate_.expire(now, outcome);
      swept = now;
    }
    carry_out(outcome);
    outcome = {};
  }
}

void Border::carry_out(const Outcome& outcome) {
  for (const auto& ruling : outcome.rulings) {
    switch (ruling.fate) {
      case Fate::forward:
        queue_.accept(ruling.id);
        break;
      case Fate::pass:
        queue_.repeat(ruling.id, mark::passed);
        break;
      case Fate::refuse:
        queue_.repeat(ruling.id, mark::refused);
        break;
      case Fate::discard:
        queue_.drop(ruling.id);
        break;
    }
  }
  queue_.flush();
  for (const auto& reset : outcome.resets) send(reset);
  if (outcome.decisions.empty()) return;
  for (const auto& decision : outcome.decisions) std::fputs((log_line(decision) + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void Border::send(const std::vector<std::uint8_t>& packet) {
  const auto decoded = wire::decode_ip(packet);
  if (!decoded) return;
  // RFC 3542 section 3: the port of a raw socket's address must be 0.
  const SocketAddress to(Endpoint{decoded->destination, 0});
  const auto& raw = decoded->destination.is_v4() ? raw4_ : raw6_;
  // No route, no buffer: the flow stays refused, its end is told by the rules at the next packet.
  [[maybe_unused]] const auto sent = ::sendto(raw.get(), packet.data(), packet.size(), 0, to.data(), to.size());
}

}  // namespace crypelab::gate
