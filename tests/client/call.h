#pragma once

#include "program.h"

#include <memory>

#include <boost/json/array.hpp>

namespace crypelab::client {

// The signaling server of the house on a free port of 127.0.0.1, which knows alice and bob.
class SignalingServer {
 public:
  explicit SignalingServer(const std::vector<std::string>& ice_urls = {});
  // `signaling` of a job.
  boost::json::object access(std::string_view name, std::string_view room = "r1") const;
  std::string trust() const { return folder_.file("certificate.pem"); }
  std::string key() const { return folder_.file("key.pem"); }
  void restart();

 private:
  Folder folder_;
  std::uint16_t port_;
  std::vector<std::string> command_;
  std::unique_ptr<Program> program_;
};

// coturn on a free port of 127.0.0.1 for UDP and TCP, and another one for TLS, with the signaling server's certificate.
class TurnServer {
 public:
  explicit TurnServer(const SignalingServer& signaling, const std::vector<std::string>& more = {});
  std::string url(std::string_view transport) const;  // "udp", "tcp", "tls"
  // An RTCIceServer with that one URL.
  boost::json::array servers(std::string_view transport) const;
  std::string log() const;
  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  pid_t pid() const { return program_->pid(); }
  // Until the text stands there so often.
  bool wait_for_log(std::string_view text, std::size_t times = 1) const;
  // Until it has been woken so often from now on, as it is by packets.
  bool wait_for_packets(std::uint64_t count) const;
  void restart();

 private:
  std::uint64_t wakeups() const;
  void start();
  Folder folder_;
  std::uint16_t port_;
  std::uint16_t tls_port_;
  std::vector<std::string> command_;
  std::unique_ptr<Program> program_;
};

// A TURN server over UDP that hears, and says nothing.
class SilentPort {
 public:
  SilentPort();
  std::string url() const;

 private:
  Descriptor socket_;
  std::uint16_t port_;
};

// The proxy of the house that misbehaves on request, on a free port of 127.0.0.1.
class FaultProxy {
 public:
  // Members of its settings; `listen` is added.
  explicit FaultProxy(boost::json::object settings);
  // `proxy` of a job that goes through it, even to this machine.
  boost::json::object use(std::string_view username = "", std::string_view password = "") const;
  // Until its journal holds the text so often.
  bool wait_for(std::string_view text, std::size_t times = 1);

 private:
  Folder folder_;
  std::uint16_t port_;
  std::unique_ptr<Program> program_;
};

// Two clients on this machine, alice calling bob.
class Call {
 public:
  struct Changes {
    boost::json::array ice_servers;
    std::string policy = "all";
    std::string trust;  // in place of the signaling server's certificate
    boost::json::array work;
    boost::json::array misbehave;  // of alice
    boost::json::object alice;     // members of her job in place of the usual ones
    boost::json::object bob;
    int deadline = 30'000;
    std::string room = "r1";
    std::vector<std::string> alice_command;  // another client in her place
    std::vector<std::string> bob_command;
  };
  Call(const SignalingServer& signaling, const Changes& changes);

  Program& alice() { return *alice_; }
  Program& bob() { return *bob_; }
  // Both have said that they are connected, and quote each other.
  bool connected();
  // Both have ended well.
  bool ended_well();
  // For messages of tests: what both said.
  std::string told() const;

 private:
  std::unique_ptr<Program> alice_;
  std::unique_ptr<Program> bob_;
};

std::string client_program();

}  // namespace crypelab::client
