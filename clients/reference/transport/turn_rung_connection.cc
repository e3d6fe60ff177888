// The ways of a rung to its server: a UDP socket, or a stream that TCP, a proxy and TLS make together.
#include "clients/reference/transport/race.h"
#include "clients/reference/transport/turn_rung_body.h"
#include "harness/wire/turn_frame.h"

#include <boost/asio/detached.hpp>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;

namespace {

constexpr Duration alpn_patience = 2500ms;  // with a handshake that names stun.turn: then one that names nothing

}  // namespace

// TLS is tried in two ways: with ALPN, and without where the first came to nothing for that reason (RFC 7443, CRYPE
// S25). How far the first came, and how either failed.
struct TurnRung::Body::TlsTries {
  explicit TlsTries(const boost::asio::any_io_executor& executor) : changed(executor) {}
  std::optional<Time> greeted;
  std::optional<DialFailure> first;
  std::optional<DialFailure> last;
  boost::asio::steady_timer changed;

  // Waits until the second way's time has come; false when it never does.
  static Awaitable<bool> second_may_go(std::shared_ptr<TlsTries> tries, Time deadline) {
    while (!tries->first) {
      const Time due = tries->greeted ? std::min(*tries->greeted + alpn_patience, deadline) : deadline;
      if (Clock::now() >= due) break;
      tries->changed.expires_at(due);
      co_await tries->changed.async_wait(use);
    }
    co_return tries->first ? tries->first->trouble.code == Problem::turn_tls_blocked : Clock::now() < deadline;
  }
};

Awaitable<bool> TurnRung::Body::open_udp(std::shared_ptr<Body> self) {
  self->server_.reset();
  if (self->redirect_) {
    self->server_ = self->redirect_->server;
  } else if (self->settings_.server) {
    self->server_ = Endpoint{*self->settings_.server, self->settings_.uri.port};
  } else {
    const auto resolved = co_await self->resolver_.resolve(self->settings_.uri.host, Clock::now() + 10s);
    for (const auto& address : resolved.addresses) {
      if (address.family() != self->settings_.from.family()) continue;
      self->server_ = Endpoint{address, self->settings_.uri.port};
      break;
    }
    if (!self->server_) {
      const auto why = resolved.addresses.empty() ? resolved.fault : "no address of the right family";
      self->tell(RungReport::State::failed, {Problem::dns_failed, to_string(self->settings_.uri) + ": " + why});
      co_return false;
    }
  }
  self->udp_.reset();
  auto socket = UdpSocket::open(self->executor_, {self->settings_.from, 0}, *self, self->settings_.offload);
  if (!socket) {
    self->tell(RungReport::State::failed, {Problem::turn_unreachable, socket.complaint()});
    co_return false;
  }
  self->udp_ = std::move(*socket);
  self->where_ = to_string(*self->server_);
  co_return true;
}

Target TurnRung::Body::target(bool names_protocol) const {
  Target to{
      .host = settings_.uri.host, .port = settings_.uri.port, .purpose = Purpose::turn, .protocols = {"stun.turn"}};
  if (settings_.uri.over() == RelayedOver::tls && !settings_.misbehaviour.breaks(Rule::t05)) {
    to.tls = TlsWish{settings_.uri.host, {}, {}};
    if (names_protocol) to.tls->alpn = {"stun.turn"};
  }
  if (redirect_) {
    to.host = to_string(redirect_->server.address);
    to.port = redirect_->server.port;
    if (to.tls && !redirect_->domain.empty()) to.tls->also.push_back(redirect_->domain);
  }
  return to;
}

Awaitable<std::optional<Dialed>> TurnRung::Body::dial(std::shared_ptr<Body> self, std::shared_ptr<TlsTries> tries,
                                                      bool names_protocol, Time deadline) {
  // The second way is for those who cannot stand the protocol's name, and for nothing else.
  if (!names_protocol && !co_await TlsTries::second_may_go(tries, deadline)) co_return std::nullopt;
  auto to = self->target(names_protocol);
  if (names_protocol) {
    to.greeting = [tries] {
      tries->greeted = Clock::now();
      tries->changed.cancel();
    };
  }
  auto outcome = co_await self->dialer_.dial(std::move(to), deadline);
  if (auto* dialed = std::get_if<Dialed>(&outcome)) co_return std::move(*dialed);
  auto& failure = std::get<DialFailure>(outcome);
  if (names_protocol) tries->first = failure;
  tries->last = std::move(failure);
  tries->changed.cancel();
  co_return std::nullopt;
}

Awaitable<bool> TurnRung::Body::open_stream(std::shared_ptr<Body> self) {
  const auto tries = std::make_shared<TlsTries>(self->executor_);
  const Time deadline = Clock::now() + self->settings_.connect_time;
  Attempts<Dialed> attempts;
  attempts.push_back([self, tries, deadline] { return dial(self, tries, true, deadline - 100ms); });
  if (self->settings_.uri.over() == RelayedOver::tls) {
    attempts.push_back([self, tries, deadline] { return dial(self, tries, false, deadline - 100ms); });
  }
  auto dialed = co_await race<Dialed>(self->executor_, std::move(attempts), Duration(0), deadline);
  if (!dialed) {
    Trouble trouble{Problem::turn_unreachable, to_string(self->settings_.uri) + ": no connection in time"};
    if (const auto& told = tries->first ? tries->first : tries->last) {
      trouble = told->trouble;
      self->report_.via_proxy = told->by_proxy;
      self->crowded_out_ = told->too_many;
    }
    self->tell(RungReport::State::failed, std::move(trouble));
    co_return false;
  }
  self->stream_ = std::move(dialed->stream);
  self->report_.via_proxy = dialed->via.kind != proxy::Server::Kind::direct;
  self->where_ = to_string(self->stream_->remote());
  self->server_ = self->stream_->remote();
  if (self->report_.via_proxy) {
    self->where_ = "through " + to_string(dialed->via);
    const auto literal = parse_address(self->settings_.uri.host);
    self->server_ =
        self->redirect_ ? self->redirect_->server : Endpoint{literal ? *literal : Address(), self->settings_.uri.port};
  }
  ++self->generation_;
  boost::asio::co_spawn(self->executor_, read(self, self->stream_, self->generation_), boost::asio::detached);
  co_return true;
}

Awaitable<void> TurnRung::Body::read(std::shared_ptr<Body> self, std::shared_ptr<Stream> stream, unsigned generation) {
  wire::TurnStream messages;
  std::vector<std::uint8_t> chunk(16 * 1024);
  std::string beginning;
  while (true) {
    const auto got = co_await stream->read_some(chunk);
    if (self->generation_ != generation) co_return;
    if (got.error) break;
    const auto arrived = wire::Bytes(chunk).first(got.size);
    if (beginning.size() < 8) beginning += wire::text_of(arrived.first(std::min<std::size_t>(8, arrived.size())));
    messages.feed(arrived);
    while (const auto message = messages.next()) self->take(message->bytes);
    if (messages.fault()) {
      self->end_.fault = *messages.fault();
      self->end_.page = beginning.starts_with("HTTP") || beginning.starts_with("<");
      break;
    }
    self->pump();
  }
  if (self->generation_ != generation || !self->allocation_) co_return;
  self->allocation_->transport_lost(Clock::now());
  self->pump();
}

}  // namespace crypelab::client::transport
