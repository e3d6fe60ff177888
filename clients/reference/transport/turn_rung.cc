#include "clients/reference/transport/turn_rung.h"

#include "clients/reference/transport/race.h"
#include "clients/reference/transport/rung_trouble.h"
#include "clients/reference/transport/udp_socket.h"
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

constexpr auto use = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr Duration alpn_patience = 2500ms;  // with a handshake that names stun.turn: then one that names nothing
constexpr Duration first_pause = 500ms;     // before an allocation that was lost is made anew, doubled each time
constexpr Duration longest_pause = 30s;
constexpr Duration time_to_close = 2s;

wire::Bytes encapsulated(turn::Allocation& allocation, const Endpoint& peer, wire::Bytes payload, Time now) {
  static thread_local std::array<std::uint8_t, 66'000> buffer;
  return allocation.encapsulate(buffer, peer, payload, now);
}

// TLS is tried in two ways: with ALPN, and without where the first came to nothing for that reason (RFC 7443, CRYPE
// S25). How far the first came, and how either failed.
struct TlsTries {
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

}  // namespace

class TurnRung::Body final : public std::enable_shared_from_this<Body>,
                             public stun::Output,
                             public UdpSocket::Receiver {
 public:
  Body(boost::asio::any_io_executor executor, Settings settings, turn::ServerRecord& record, Dialer& dialer,
       Resolver& resolver, Random& random, Listener& listener)
      : executor_(executor),
        settings_(std::move(settings)),
        record_(record),
        dialer_(dialer),
        resolver_(resolver),
        random_(random),
        listener_(&listener),
        timer_(executor),
        changed_(executor),
        slow_(executor) {
    report_.uri = settings_.uri;
    timer_.expires_at(Time::max());
    changed_.expires_at(Time::max());
  }

  void start(TurnRung& rung) {
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

  // The owner is gone.
  void abandon() {
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

  static Awaitable<void> close(std::shared_ptr<Body> body) {
    body->closing_ = true;
    body->slow_.cancel();
    const Time limit = Clock::now() + time_to_close;
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

  bool started() const { return started_; }
  bool crowded_out() const { return crowded_out_; }
  const Settings& settings() const { return settings_; }
  const RungReport& report() const { return report_; }
  Address local() const {
    if (udp_) return udp_->local().address;
    return stream_ ? stream_->local().address : Address();
  }
  turn::Allocation* allocation() { return allocation_ && allocation_->active() ? &*allocation_ : nullptr; }

  bool send(const Endpoint& peer, wire::Bytes payload) {
    if (!allocation_) return false;
    const auto message = encapsulated(*allocation_, peer, payload, Clock::now());
    return !message.empty() && transmit(message);
  }
  void permit(const Address& peer) {
    if (!allocation_) return;
    allocation_->permit(peer, Clock::now());
    pump_later();
  }
  void bind(const Endpoint& peer) {
    if (!allocation_) return;
    allocation_->bind(peer, Clock::now());
    pump_later();
  }
  void flush() {
    if (udp_) udp_->flush();
  }

 private:
  // What to do next, or nothing any more.
  enum class After { again, end };

  static Awaitable<void> run(std::shared_ptr<Body> self) {
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

  static Awaitable<bool> open_udp(std::shared_ptr<Body> self) {
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
    auto socket = UdpSocket::open(self->executor_, {self->settings_.from, 0}, *self);
    if (!socket) {
      self->tell(RungReport::State::failed, {Problem::turn_unreachable, socket.complaint()});
      co_return false;
    }
    self->udp_ = std::move(*socket);
    self->where_ = to_string(*self->server_);
    co_return true;
  }

  Target target(bool names_protocol) const {
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

  static Awaitable<std::optional<Dialed>> dial(std::shared_ptr<Body> self, std::shared_ptr<TlsTries> tries,
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

  static Awaitable<bool> open_stream(std::shared_ptr<Body> self) {
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
      self->server_ = self->redirect_ ? self->redirect_->server
                                      : Endpoint{literal ? *literal : Address(), self->settings_.uri.port};
    }
    ++self->generation_;
    boost::asio::co_spawn(self->executor_, read(self, self->stream_, self->generation_), boost::asio::detached);
    co_return true;
  }

  static Awaitable<void> read(std::shared_ptr<Body> self, std::shared_ptr<Stream> stream, unsigned generation) {
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

  void begin() {
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
    wanted.software = settings_.software;
    wanted.misbehaviour = settings_.misbehaviour;
    allocation_.emplace(wanted, std::move(*account), random_, *this, Clock::now());
    pump();
  }

  After next(bool had_relay) {
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
    using Kind = turn::NextStep::Kind;
    switch (step.kind) {
      case Kind::new_port:
        if (had_relay) tell(RungReport::State::lost, trouble);
        return had_relay && !settings_.keep_trying ? After::end : After::again;
      case Kind::redirect:
        if (settings_.misbehaviour.breaks(Rule::w09)) break;
        redirect_ = refusal.redirect;
        return After::again;
      case Kind::wait:
        redirect_.reset();
        if (had_relay) tell(RungReport::State::lost, trouble);
        if (had_relay && !settings_.keep_trying) return After::end;
        tell(RungReport::State::waiting, std::move(trouble));
        return After::again;
      case Kind::other_transport:
        redirect_.reset();
        if (!had_relay) break;
        tell(RungReport::State::lost, std::move(trouble));
        backs_off_ = true;
        return settings_.keep_trying ? After::again : After::end;
      case Kind::never:
        break;
    }
    tell(had_relay ? RungReport::State::lost : RungReport::State::failed, std::move(trouble));
    return After::end;
  }

  void take(wire::Bytes message) {
    if (!allocation_) return;
    if (!wire::looks_like_channel_data(message)) end_.answered = true;
    const auto data = allocation_->receive(message, Clock::now());
    if (data && listener_ != nullptr && rung_ != nullptr) listener_->received(*rung_, *data);
  }

  // Tells what the allocation has to say, and when to wake it.
  void pump() {
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

  void pump_later() {
    boost::asio::post(executor_, [self = shared_from_this()] { self->pump(); });
  }

  void arm() {
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

  void tell(RungReport::State state, Trouble trouble) {
    report_.state = state;
    report_.trouble = std::move(trouble);
    report_.server = server_;
    if (state != RungReport::State::trying) slow_.cancel();
    // From the event loop: whoever is told may call back.
    boost::asio::post(executor_, [self = shared_from_this(), report = report_] {
      if (self->listener_ != nullptr) self->listener_->told(*self->rung_, report);
    });
  }

  void say_slow() {
    if (allocation()) return;
    const bool connected = allocation_.has_value();
    Trouble so_far{Problem::turn_unreachable,
                   fmt::format("{} at {}: {} so far", to_string(settings_.uri), where_.empty() ? "?" : where_,
                               connected ? "no answer" : "no connection")};
    if (connected && settings_.uri.over() == RelayedOver::tls) so_far.code = Problem::turn_tls_blocked;
    tell(RungReport::State::trying, std::move(so_far));
  }

  bool transmit(wire::Bytes message) {
    if (udp_ && server_) return udp_->send(*server_, message);
    return stream_ && stream_->write(message);
  }

  // stun::Output
  void send(wire::Bytes message) override { transmit(message); }

  // UdpSocket::Receiver
  void datagram(const Endpoint& from, wire::Bytes bytes) override {
    if (!server_ || from != *server_) return;
    take(bytes);
    pump();
  }
  void unreachable(const Endpoint& to, int error) override {
    if (!server_ || to != *server_ || !allocation_) return;
    // Once there is a relay only "nobody listens" counts: the rest passes, or consent finds out.
    if (allocation_->active() && error != ECONNREFUSED) return;
    end_.fault = std::string("ICMP: ") + std::strerror(error);
    allocation_->transport_lost(Clock::now());
    allocation_->wake(Clock::now());
    pump();
  }

  boost::asio::any_io_executor executor_;
  Settings settings_;
  turn::ServerRecord& record_;
  Dialer& dialer_;
  Resolver& resolver_;
  Random& random_;
  Listener* listener_;
  TurnRung* rung_ = nullptr;
  RungReport report_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer changed_;
  boost::asio::steady_timer slow_;
  std::optional<boost::asio::steady_timer> pause_;
  std::optional<boost::asio::steady_timer> closed_by_;
  boost::asio::cancellation_signal stop_;
  Time armed_ = Time::max();
  std::unique_ptr<UdpSocket> udp_;
  std::shared_ptr<Stream> stream_;
  std::optional<turn::Allocation> allocation_;
  std::optional<turn::Refusal> ended_;
  std::optional<stun::Redirect> redirect_;
  std::optional<Endpoint> server_;
  std::string where_;
  SilentEnd end_;
  unsigned generation_ = 0;
  bool running_ = false;
  bool started_ = false;
  bool closing_ = false;
  bool had_relay_ = false;
  bool backs_off_ = false;
  bool crowded_out_ = false;
};

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
bool TurnRung::via_proxy() const { return body_->report().via_proxy; }
bool TurnRung::send(const Endpoint& peer, wire::Bytes payload) { return body_->send(peer, payload); }
void TurnRung::permit(const Address& peer) { body_->permit(peer); }
void TurnRung::bind(const Endpoint& peer) { body_->bind(peer); }
void TurnRung::flush() { body_->flush(); }
Awaitable<void> TurnRung::close() { return Body::close(body_); }

}  // namespace crypelab::client::transport
