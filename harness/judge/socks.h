#pragma once

#include "harness/wire/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::judge {

// Reads how a SOCKS5 tunnel is asked for (RFC 1928; password: RFC 1929), from the bytes of both sides.
class Socks {
 public:
  // Whether a connection's first bytes are a greeting: version 5, and as many methods as it says.
  static bool begins(const std::vector<std::uint8_t>& opening);

  void feed(wire::Bytes bytes, bool outgoing);

  // What was asked for, "host:port", once it is known.
  const std::optional<std::string>& target() const { return target_; }
  bool with_password() const { return password_; }
  bool opened() const { return step_ == Step::opened; }
  bool refused() const { return step_ == Step::refused; }
  // What one side sent behind the dialogue, once it is opened.
  std::vector<std::uint8_t> rest(bool outgoing) const { return outgoing ? out_ : in_; }

 private:
  enum class Step { greeting, method, password, password_answer, request, reply, opened, refused };
  bool advance();
  // The length of an address with its port that begins at `at`; nothing while it is not whole.
  static std::optional<std::size_t> address_size(const std::vector<std::uint8_t>& bytes, std::size_t at);
  static void drop(std::vector<std::uint8_t>& bytes, std::size_t count);

  Step step_ = Step::greeting;
  bool password_ = false;
  std::optional<std::string> target_;
  std::vector<std::uint8_t> out_;
  std::vector<std::uint8_t> in_;
};

}  // namespace crypelab::judge
