#include "clients/reference/transport/race.h"
#include "clients/reference/transport/turn_rung_body.h"
#include "harness/wire/turn_frame.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;

namespace {

constexpr Duration first_pause = 500ms;  // before an allocation that was lost is made anew, doubled each time
constexpr Duration longest_pause = 30s;
constexpr Duration time_to_release = 2s;

wire::Bytes encapsulated(turn::Allocation& allocation, const Endpoint& peer, wire::Bytes payload, Time now) {
  static thread_local std::array<std::uint8_t, 66'000> buffer;
  return allocation.encapsulate(buffer, peer, payload, now);
}

}  // namespace

void TurnRung::Body::start(TurnRung& rung) {
  rung_ = &rung;
  if (running_ || closing_) return;
  running_ = true;
  started_ = true;
  crowded_out_ = false;
  report_.state = RungReport::State::trying;
  slow_.expires_after(settings_.slow);
  slow_.async_wait([self = shared_from_this()](Error error) {
    if (!error) self->say_slow();
  });
  boost::asio::co_spawn(
      executor_, run(shared_from_this()),
      boost::asio::bind_cancellation_slot(stop_.slot(), [self = shared_from_this()](std::exception_ptr) {
        self->running_ = false;
        self->slow_.cancel();
        self->changed_.cancel();
      }));
}

void TurnRung::Body::abandon() {
  listener_ = nullptr;
  closing_ = true;
  stop_.emit(boost::asio::cancellation_type::terminal);
  timer_.cancel();
  slow_.cancel();
  changed_.cancel();
  udp_.reset();
  if (stream_) stream_->abort();
  stream_.reset();
}

Awaitable<void> TurnRung::Body::close(std::shared_ptr<Body> body) {
  body->closing_ = true;
  body->slow_.cancel();
  const Time limit = Clock::now() + time_to_release;
  if (body->allocation_ && !body->allocation_->done()) {
    body->allocation_->close(Clock::now());
    body->pump();
    while (body->allocation_ && !body->allocation_->done() && Clock::now() < limit) {
      body->closed_by_.emplace(body->executor_, limit);
      const auto [error] = co_await body->closed_by_->async_wait(use);
      if (!error) break;
    }
  }
  body->listener_ = nullptr;
  body->stop_.emit(boost::asio::cancellation_type::terminal);
  if (body->udp_) body->udp_->flush();
  if (body->stream_) body->stream_->close();
  body->timer_.cancel();
  body->changed_.cancel();
}

Address TurnRung::Body::local() const {
  if (udp_) return udp_->local().address;
  return stream_ ? stream_->local().address : Address();
}

bool TurnRung::Body::send(const Endpoint& peer, wire::Bytes payload) {
  if (!allocation_) return false;
  const auto message = encapsulated(*allocation_, peer, payload, Clock::now());
  return !message.empty() && transmit(message);
}

void TurnRung::Body::permit(const Address& peer) {
  if (!allocation_) return;
  allocation_->permit(peer, Clock::now());
  pump_later();
}

void TurnRung::Body::bind(const Endpoint& peer) {
  if (!allocation_) return;
  allocation_->bind(peer, Clock::now());
  pump_later();
}

Awaitable<void> TurnRung::Body::run(std::shared_ptr<Body> self) {
  Duration pause = first_pause;
  while (!self->closing_) {
    const auto may = self->record_.may_ask(Clock::now());
    if (!may) {
      self->tell(RungReport::State::failed,
                 {Problem::turn_auth_failed, to_string(self->settings_.uri) + ": the server refused before"});
      co_return;
    }
    if (*may > Clock::now()) {
      self->pause_.emplace(self->executor_, *may);
      co_await self->pause_->async_wait(use);
    }
    const auto opened = self->settings_.uri.over() == RelayedOver::udp ? open_udp : open_stream;
    const bool connected = co_await opened(self);
    if (!connected || self->closing_) co_return;
    if (const auto free = self->record_.free_from(self->server_->address); free > Clock::now()) {
      self->leave_full();
      self->pause_.emplace(self->executor_, free);
      co_await self->pause_->async_wait(use);
      continue;
    }
    self->begin();
    // Its events come in `pump`; here the end is waited for.
    while (self->allocation_ && !self->ended_ && !self->closing_) co_await self->changed_.async_wait(use);
    if (self->closing_) co_return;
    const bool had_relay = self->had_relay_;
    if (had_relay) pause = first_pause;
    if (self->next(had_relay) == After::end) co_return;
    if (had_relay || self->backs_off_) {
      self->pause_.emplace(self->executor_, Clock::now() + pause);
      pause = std::min(2 * pause, longest_pause);
      co_await self->pause_->async_wait(use);
    }
  }
}

void TurnRung::Body::begin() {
  auto username = settings_.username;
  if (redirect_ && settings_.misbehaviour.breaks(Rule::s14)) username = "nobody";
  auto account = stun::LongTerm::create(username, settings_.credential);
  ended_.reset();
  end_ = {};
  had_relay_ = false;
  if (!account) {
    ended_ = turn::Refusal{turn::Refusal::Reason::credentials, 0, account.complaint(), std::nullopt};
    return;
  }
  turn::Allocation::Settings wanted;
  wanted.timing.reliable = settings_.uri.over() != RelayedOver::udp;
  wanted.families = settings_.misbehaviour.breaks(Rule::w06) ? turn::AddressFamilies::v4 : record_.families();
  wanted.channels = record_.channels();
  wanted.software = settings_.software;
  wanted.misbehaviour = settings_.misbehaviour;
  allocation_.emplace(wanted, std::move(*account), random_, *this, Clock::now());
  pump();
}

void TurnRung::Body::leave_full() {
  generation_ += 1;
  if (stream_) stream_->close();
  stream_.reset();
  udp_.reset();
  tell(RungReport::State::waiting,
       {Problem::turn_quota,
        fmt::format("{} at {}: it had no room when it was asked in another way", to_string(settings_.uri), where_)});
}

TurnRung::Body::After TurnRung::Body::next(bool had_relay) {
  generation_ += 1;  // what still comes over the old connection is not for the next
  const auto refusal = *ended_;
  auto trouble = trouble_of(refusal, settings_.uri, where_, end_);
  if (stream_) {
    had_relay ? stream_->abort() : stream_->close();
    stream_.reset();
  }
  allocation_.reset();
  const auto step = record_.after(refusal, server_.value_or(Endpoint{}), Clock::now());
  backs_off_ = false;
  using Next = turn::NextStep::Kind;
  switch (step.kind) {
    case Next::new_port:
      if (had_relay) tell(RungReport::State::lost, trouble);
      return had_relay && !settings_.keep_trying ? After::end : After::again;
    case Next::redirect:
      if (settings_.misbehaviour.breaks(Rule::w09)) break;
      redirect_ = refusal.redirect;
      return After::again;
    case Next::wait:
      redirect_.reset();
      if (had_relay) tell(RungReport::State::lost, trouble);
      if (had_relay && !settings_.keep_trying) return After::end;
      tell(RungReport::State::waiting, std::move(trouble));
      return After::again;
    case Next::other_transport:
      redirect_.reset();
      if (!had_relay) break;
      tell(RungReport::State::lost, std::move(trouble));
      backs_off_ = true;
      return settings_.keep_trying ? After::again : After::end;
    case Next::never:
      break;
  }
  tell(had_relay ? RungReport::State::lost : RungReport::State::failed, std::move(trouble));
  return After::end;
}

void TurnRung::Body::take(wire::Bytes message) {
  if (!allocation_) return;
  if (!wire::looks_like_channel_data(message)) end_.answered = true;
  const auto data = allocation_->receive(message, Clock::now());
  if (data && listener_ != nullptr && rung_ != nullptr) listener_->received(*rung_, *data);
}

void TurnRung::Body::pump() {
  while (allocation_) {
    auto event = allocation_->poll();
    if (!event) break;
    switch (event->kind) {
      case turn::Event::Kind::allocated:
        had_relay_ = true;
        record_.granted();
        slow_.cancel();
        report_.server = server_;
        tell(RungReport::State::relayed, {});
        if (listener_ != nullptr) listener_->allocated(*rung_);
        break;
      case turn::Event::Kind::refused:
      case turn::Event::Kind::lost:
        ended_ = std::move(event->refusal);
        changed_.cancel();
        break;
      case turn::Event::Kind::permitted:
        if (listener_ != nullptr) listener_->permission(*rung_, event->peer.address, true);
        break;
      case turn::Event::Kind::permission_refused:
        if (listener_ != nullptr) listener_->permission(*rung_, event->peer.address, false);
        break;
      case turn::Event::Kind::channel_bound:
      case turn::Event::Kind::channel_refused:
        break;
      case turn::Event::Kind::closed:
        if (closed_by_) closed_by_->cancel();
        break;
    }
  }
  arm();
}

void TurnRung::Body::pump_later() {
  boost::asio::post(executor_, [self = shared_from_this()] { self->pump(); });
}

void TurnRung::Body::arm() {
  const auto due = allocation_ ? allocation_->next() : std::nullopt;
  if (!due) {
    timer_.expires_at(Time::max());
    armed_ = Time::max();
    return;
  }
  if (*due == armed_) return;
  armed_ = *due;
  timer_.expires_at(*due);
  timer_.async_wait([self = shared_from_this()](Error error) {
    if (error || !self->allocation_) return;
    self->armed_ = Time::max();
    self->allocation_->wake(Clock::now());
    self->pump();
  });
}

void TurnRung::Body::tell(RungReport::State state, Trouble trouble) {
  report_.state = state;
  report_.trouble = std::move(trouble);
  report_.server = server_;
  if (state != RungReport::State::trying) slow_.cancel();
  // From the event loop: whoever is told may call back.
  boost::asio::post(executor_, [self = shared_from_this(), report = report_] {
    if (self->listener_ != nullptr) self->listener_->told(*self->rung_, report);
  });
}

void TurnRung::Body::say_slow() {
  if (allocation()) return;
  const bool connected = allocation_.has_value();
  Trouble so_far{Problem::turn_unreachable,
                 fmt::format("{} at {}: {} so far", to_string(settings_.uri), where_.empty() ? "?" : where_,
                             connected ? "no answer" : "no connection")};
  if (connected && settings_.uri.over() == RelayedOver::tls) so_far.code = Problem::turn_tls_blocked;
  tell(RungReport::State::trying, std::move(so_far));
}

bool TurnRung::Body::transmit(wire::Bytes message) {
  if (udp_ && server_) return udp_->send(*server_, message);
  return stream_ && stream_->write(message);
}

void TurnRung::Body::datagram(const Endpoint& from, wire::Bytes bytes) {
  if (!server_ || from != *server_) return;
  take(bytes);
  pump();
}

void TurnRung::Body::unreachable(const Endpoint& to, int error) {
  if (!server_ || to != *server_ || !allocation_) return;
  // Once there is a relay only "nobody listens" counts: the rest passes, or consent finds out.
  if (allocation_->active() && error != ECONNREFUSED) return;
  end_.fault = std::string("ICMP: ") + std::strerror(error);
  allocation_->transport_lost(Clock::now());
  allocation_->wake(Clock::now());
  pump();
}
TurnRung::TurnRung(boost::asio::any_io_executor executor, Settings settings, turn::ServerRecord& record, Dialer& dialer,
                   Resolver& resolver, Random& random, Listener& listener)
    : body_(std::make_shared<Body>(std::move(executor), std::move(settings), record, dialer, resolver, random,
                                   listener)) {}
TurnRung::~TurnRung() { body_->abandon(); }

void TurnRung::start() { body_->start(*this); }
bool TurnRung::started() const { return body_->started(); }
const TurnRung::Settings& TurnRung::settings() const { return body_->settings(); }
const RungReport& TurnRung::report() const { return body_->report(); }
bool TurnRung::crowded_out() const { return body_->crowded_out(); }
turn::Allocation* TurnRung::allocation() { return body_->allocation(); }
Address TurnRung::local() const { return body_->local(); }
bool TurnRung::send(const Endpoint& peer, wire::Bytes payload) { return body_->send(peer, payload); }
void TurnRung::permit(const Address& peer) { body_->permit(peer); }
void TurnRung::bind(const Endpoint& peer) { body_->bind(peer); }
bool TurnRung::via_proxy() const { return body_->report().via_proxy; }
void TurnRung::flush() { body_->flush(); }
Awaitable<void> TurnRung::close() { return Body::close(body_); }

}  // namespace crypelab::client::transport
