#pragma once

#include "harness/probe/arrivals.h"
#include "harness/probe/bindings.h"

namespace crypelab::probe {

// A dialogue that opens a session with the reflector first, and may ask for its report at the end. Both are asked for
// again until they come.
class SessionDialogue : public Dialogue {
 public:
  explicit SessionDialogue(const Endpoint& to) : to_(to) {}

  Endpoint target() const final { return to_; }
  void start(const std::vector<Endpoint>& /*locals*/, Time now) final { wake(now); }
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) final;
  void wake(Time now) final;
  std::optional<Time> next() const final;
  bool done() const final { return done_; }

 protected:
  virtual void opened(Time now) = 0;                                          // the session stands
  virtual void handle(const Packet& packet, std::size_t size, Time now) = 0;  // everything that comes in it
  virtual void proceed(Time now) = 0;                                         // at `due()` or later
  virtual std::optional<Time> due() const = 0;
  virtual void reported(const Report& report, Time now) = 0;

  void request_report(std::uint32_t base, Time now);
  void finish() { done_ = true; }
  bool is_open() const { return session_ != 0; }
  bool is_reporting() const { return reporting_; }
  Duration rtt() const { return rtt_; }  // of opening the session
  void send_packet(Packet packet, std::size_t size = packet_header_size, bool whole = false);
  // Headers of IP and UDP.
  std::uint32_t overhead() const { return to_.address.is_v4() ? 28 : 48; }

 private:
  Endpoint to_;
  std::uint64_t session_ = 0;
  std::uint32_t hellos_ = 0;
  std::vector<Time> hello_times_;
  Duration rtt_{0};
  Retry retry_;
  bool reporting_ = false;
  std::uint32_t base_ = 1;
  bool done_ = false;
};

}  // namespace crypelab::probe
