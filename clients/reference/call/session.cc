#include "clients/reference/call/session.h"

#include "clients/reference/transport/interfaces.h"
#include "harness/base/error.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace crypelab::client::call {

namespace asio = boost::asio;
using transport::Awaitable;

namespace {

constexpr std::size_t most_inbox = 1'024;  // datagrams that arrived faster than they are dealt with
constexpr Duration goodbye = 2s;

// What a path leaves this machine over; none when it is the peer's relay, and the peer's business, that leads on.
ice::RelayedOver carrier_of(const ice::PathInfo& path) {
  if (path.local.type == wire::IceCandidate::Type::relay) return path.over;
  if (path.remote.type == wire::IceCandidate::Type::relay) return ice::RelayedOver::none;
  return path.local.transport == wire::IceCandidate::Transport::udp ? ice::RelayedOver::udp : ice::RelayedOver::tcp;
}

}  // namespace

Session::Session(asio::any_io_executor executor, const job::Job& job, event::Reporter reporter, Random& random)
    : executor_(std::move(executor)),
      job_(job),
      reporter_(std::move(reporter)),
      random_(random),
      caller_(job.role == job::Role::caller),
      resolver_(executor_),
      dialer_(executor_, dialer_settings(job), resolver_, random, *this),
      phases_(caller_, job.work, *this),
      timer_(executor_),
      over_(executor_),
      session_id_(random.number() >> 1) {
  gatherer_ = std::make_unique<transport::Gatherer>(executor_, gatherer_settings(job), dialer_, resolver_, random,
                                                    static_cast<transport::Gatherer::Listener&>(*this));
  agent_ = std::make_unique<ice::Agent>(agent_settings(job), random, *gatherer_);
  signaling::Link::Settings link{
      .url = job.signaling.url, .fallback = job.signaling.fallback, .token = job.signaling.token};
  link.misbehaviour = job.misbehave;
  link_ = std::make_unique<signaling::Link>(executor_, std::move(link), dialer_,
                                            static_cast<signaling::Link::Listener&>(*this));
}

Session::~Session() {
  link_.reset();
  gatherer_.reset();  // before the agent, which it knows
}

Awaitable<int> Session::run() {
  for (const auto& url : bad_urls(job_)) report({transport::Problem::turn_unreachable, url}, false);
  if (job_.misbehave.breaks(Rule::claims_connected)) reporter_.connected("made-up");
  addresses_ = transport::local_addresses(job_.loopback);
  link_->start();
  gatherer_->start(*agent_);
  pump();
  boost::system::error_code ignored;
  over_.expires_at(Time::max());
  if (!ended_) co_await over_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  timer_.cancel();
  co_await leave();
  reporter_.closed(end_reason_);
  co_return good_ ? 0 : static_cast<int>(Exit::failed);
}

void Session::stop(std::string reason) { finish(false, std::move(reason)); }

void Session::finish(bool good, std::string reason) {
  if (std::exchange(ended_, true)) return;
  good_ = good;
  end_reason_ = std::move(reason);
  over_.cancel();
}

Awaitable<void> Session::leave() {
  const auto deadline = Time::clock::now() + goodbye;
  if (connection_) connection_->close();
  signaling::Message bye{.type = signaling::Type::bye};
  if (!good_) bye.code = "failed";
  if (link_->is_open()) link_->post(std::move(bye));
  // Side by side: neither waits for the other's server.
  asio::steady_timer given_back(executor_, Time::max());
  bool done = false;
  asio::co_spawn(executor_, gatherer_->close(), [&](const std::exception_ptr&) {
    done = true;
    given_back.cancel();
  });
  co_await link_->close(deadline);
  boost::system::error_code ignored;
  if (!done) co_await given_back.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Session::stir() {
  if (std::exchange(stirred_, true) || ended_) return;
  asio::post(executor_, [this] {
    if (!ended_) pump();
  });
}

void Session::pump() {
  stirred_ = false;
  if (pumping_) return;
  pumping_ = true;
  for (bool again = true; again && !ended_;) {
    const auto now = Time::clock::now();
    take_agent_events(now);
    again = !inbox_.empty();
    while (!inbox_.empty() && connection_) {
      const auto datagram = std::move(inbox_.front());
      inbox_.pop_front();
      connection_->receive(datagram, now);
      take_connection_events(now);
    }
    if (!connection_) again = false;
    take_connection_events(now);
    if (phases_.blocked()) phases_.wake(now);
    if (caller_ && connected_ && phases_.done() && !leaving_) say_goodbye(now);
  }
  if (!ended_) diagnose(Time::clock::now());
  if (!ended_) arm();
  pumping_ = false;
}

void Session::wake(Time now) {
  agent_->wake(now);
  if (connection_) connection_->wake(now);
  phases_.wake(now);
  watch(now);
  if (leave_by_ && now >= *leave_by_) {
    finish(!phases_.failed() && connected_, "done");
  }
}

void Session::arm() {
  auto next = earlier(agent_->next(), phases_.next());
  if (connection_) next = earlier(next, connection_->next());
  next = earlier(next, leave_by_);
  next = earlier(next, next_watch_);
  if (next == armed_ && timer_.expiry() > Time::clock::now()) return;
  armed_ = next;
  timer_.expires_at(*next);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error || ended_) return;
    armed_.reset();
    wake(Time::clock::now());
    pump();
  });
}

void Session::deliver(wire::Bytes packet) {
  if (inbox_.size() < most_inbox) inbox_.emplace_back(packet.begin(), packet.end());
  stir();
}

void Session::send_datagram(wire::Bytes datagram) { agent_->send(datagram, Time::clock::now()); }

void Session::proxy_phase(const transport::ProxyPhase& phase) {
  using Kind = transport::ProxyPhase::Kind;
  const auto* const name = phase.kind == Kind::connect     ? "connect"
                           : phase.kind == Kind::challenge ? "challenge"
                                                           : "tunnel";
  reporter_.proxy(name, phase.target, phase.status, phase.scheme);
}

void Session::take_agent_events(Time now) {
  while (auto event = agent_->poll()) {
    switch (event->kind) {
      case ice::Event::Kind::candidate:
        if (local_candidates_.empty()) marks_.gathered = marks_.gathered.value_or(now);
        tell_candidate(event->candidate);
        break;
      case ice::Event::Kind::end_of_candidates:
        candidates_ended_ = true;
        if (described_) post({.type = signaling::Type::end_of_candidates, .sdp_mid = "0"});
        break;
      case ice::Event::Kind::state:
        state_changed(event->state, now);
        break;
      case ice::Event::Kind::selected:
        marks_.selected = marks_.selected.value_or(now);
        if (selections_++ > 0) phases_.path_changed(Recovery::new_pair);
        reporter_.selected(event->path);
        gatherer_->concluded(event->path);
        selected_ = now;
        carrier_ = carrier_of(event->path);
        if (connection_) connection_->start(now);
        break;
      case ice::Event::Kind::peer_moved:
        request_restart("the peer's address has changed", now);
        break;
    }
  }
}

void Session::take_connection_events(Time now) {
  while (connection_ && !ended_) {
    auto event = connection_->poll();
    if (!event) return;
    switch (event->kind) {
      case datachannel::Event::Kind::secure:
        marks_.secure = marks_.secure.value_or(now);
        break;
      case datachannel::Event::Kind::up:
        break;
      case datachannel::Event::Kind::channel_open:
        channel_opened(*event, now);
        break;
      case datachannel::Event::Kind::message:
        received(*event, now);
        break;
      case datachannel::Event::Kind::channel_closed:
        open_channels_.erase(event->channel);
        break;
      case datachannel::Event::Kind::failed:
        report({transport::Problem::ice_no_path, "the path stands and no data channel over it: " + event->reason},
               true);
        finish(false, event->reason);
        break;
      case datachannel::Event::Kind::closed:
        finish(connected_ && leaving_ && !phases_.failed(), leaving_ ? "done" : event->reason);
        break;
    }
  }
}

}  // namespace crypelab::client::call
