#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace crypelab::client::transport {

// A real TURN server on the loopback: user alice, password wonder:land; UDP and TCP on `port`, TLS on `tls_port` with a
// certificate for turns.crype.test and localhost that `trust` leads to.
class RunningCoturn {
 public:
  RunningCoturn();
  ~RunningCoturn();
  RunningCoturn(const RunningCoturn&) = delete;
  RunningCoturn& operator=(const RunningCoturn&) = delete;

  std::uint16_t port() const { return port_; }
  std::uint16_t tls_port() const { return tls_port_; }
  const std::string& trust() const { return trust_; }
  // A hosts file that names the loopback turns.crype.test.
  const std::string& hosts() const { return hosts_; }
  std::string log() const;
  // Waits until the log holds `text` so many times.
  bool says(const std::string& text, unsigned times = 1) const;

 private:
  std::string folder_;
  std::string trust_;
  std::string hosts_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace crypelab::client::transport
