#pragma once

#include "clients/reference/proxy/login.h"
#include "clients/reference/transport/problem.h"
#include "harness/wire/bytes.h"

#include <string>
#include <vector>

namespace crypelab::client::proxy {

// Asking a SOCKS5 server for a connection by name (RFC 1928), with user and password if there are some (RFC 1929).
// Neither clock nor socket.
class SocksDialogue {
 public:
  enum class Step { send, read, tunnel, failed };
  // A name of more than 255 bytes fails.
  SocksDialogue(std::string host, std::uint16_t port, const Account& account);

  Step step() const { return step_; }
  // What to send at `send`; the step is `read` afterwards.
  std::vector<std::uint8_t> message();
  // How many bytes were used up; those that were not belong to the tunnel, or come again with more behind them.
  std::size_t take(wire::Bytes arrived);
  void ended();
  const transport::Trouble& trouble() const { return trouble_; }
  bool with_password() const { return with_password_; }

 private:
  enum class Stage { method, password, request } stage_ = Stage::method;
  void fail(transport::Problem problem, std::string detail);

  std::string host_;
  std::uint16_t port_;
  const Account& account_;
  Step step_ = Step::send;
  bool with_password_ = false;
  transport::Trouble trouble_;
};

}  // namespace crypelab::client::proxy
