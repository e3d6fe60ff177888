#pragma once

#include "clients/reference/transport/rung_trouble.h"
#include "clients/reference/transport/turn_rung.h"
#include "clients/reference/transport/udp_socket.h"

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

namespace crypelab::client::transport {

// What a rung is made of. It lives until the last of its coroutines has ended.
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

  void start(TurnRung& rung);

  // The owner is gone.
  void abandon();

  static Awaitable<void> close(std::shared_ptr<Body> body);

  bool started() const { return started_; }
  bool crowded_out() const { return crowded_out_; }
  const Settings& settings() const { return settings_; }
  const RungReport& report() const { return report_; }
  Address local() const;
  turn::Allocation* allocation() { return allocation_ && allocation_->active() ? &*allocation_ : nullptr; }

  bool send(const Endpoint& peer, wire::Bytes payload);
  void permit(const Address& peer);
  void bind(const Endpoint& peer);
  void flush() {
    if (udp_) udp_->flush();
  }

 private:
  struct TlsTries;
  // What to do next, or nothing any more.
  enum class After { again, end };

  static Awaitable<void> run(std::shared_ptr<Body> self);

  static Awaitable<bool> open_udp(std::shared_ptr<Body> self);

  Target target(bool names_protocol) const;

  static Awaitable<std::optional<Dialed>> dial(std::shared_ptr<Body> self, std::shared_ptr<TlsTries> tries,
                                               bool names_protocol, Time deadline);

  static Awaitable<bool> open_stream(std::shared_ptr<Body> self);

  static Awaitable<void> read(std::shared_ptr<Body> self, std::shared_ptr<Stream> stream, unsigned generation);

  void begin();

  // Another way to the same server has been told that it is full.
  void leave_full();

  After next(bool had_relay);

  void take(wire::Bytes message);

  // Tells what the allocation has to say, and when to wake it.
  void pump();

  void pump_later();

  void arm();

  void tell(RungReport::State state, Trouble trouble);

  void say_slow();

  bool transmit(wire::Bytes message);

  // stun::Output
  void send(wire::Bytes message) override { transmit(message); }

  // UdpSocket::Receiver
  void datagram(const Endpoint& from, wire::Bytes bytes) override;
  void unreachable(const Endpoint& to, int error) override;

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

}  // namespace crypelab::client::transport
