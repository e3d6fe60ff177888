#pragma once

#include "clients/reference/datachannel/certificate.h"
#include "clients/reference/time.h"
#include "harness/wire/bytes.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace crypelab::client::datachannel {

// One DTLS 1.2 association (RFC 6347) with a peer that is known by the fingerprint of its certificate (RFC 8122).
// Datagrams in, datagrams out. OpenSSL looks at the clock itself for retransmission; when to `wake` it is told by
// `next`, counted from the time that it is told.
class Dtls {
 public:
  // active: sends the first message (RFC 8842 §5.3).
  enum class Role { active, passive };
  enum class State { handshake, up, closed, failed };
  struct Settings {
    Role role = Role::active;
    std::vector<wire::SdpFingerprint> peer;
    // The largest datagram; within 1200 bytes of IP packet whatever carries it (CRYPE U-28, S65).
    std::size_t mtu = 1'100;
    Duration first_timeout = 1s;  // RFC 6347 §4.2.4.1; doubled up to 60 s
    std::string key_log;          // path of a file for TLS keys, as SSLKEYLOGFILE names it; empty: none
  };
  static constexpr std::size_t most_waiting = 256;  // datagrams

  Dtls(Settings settings, const Certificate& certificate);
  ~Dtls();
  Dtls(const Dtls&) = delete;
  Dtls& operator=(const Dtls&) = delete;

  // Begins the handshake; passive: waits for the other side's beginning.
  void start(Time now);
  void receive(wire::Bytes datagram, Time now);
  void wake(Time now);
  std::optional<Time> next() const { return next_; }

  // Encrypts one message. False unless up, or when it is too large.
  bool send(wire::Bytes message);
  // Says goodbye (close_notify).
  void close();

  State state() const { return state_; }
  // Why it failed, for people.
  const std::string& failure() const { return failure_; }
  // What is to be sent, what arrived; empty when there is nothing.
  std::vector<std::uint8_t> poll_datagram();
  std::vector<std::uint8_t> poll_message();

  struct Wire;

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };
  void drive(Time now);
  void read_messages();
  void fail();
  void arm(Time now);

  Settings settings_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<ssl_ctx_st, FreeContext> context_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  State state_ = State::handshake;
  bool started_ = false;
  std::string failure_;
  std::optional<Time> next_;
  std::deque<std::vector<std::uint8_t>> messages_;
};

}  // namespace crypelab::client::datachannel
