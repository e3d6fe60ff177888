#pragma once

#include "harness/wire/prefix_reader.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::wire {

// A TLS ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2). Lists are in the order of the wire, GREASE values (RFC 8701)
// among them; a list that is empty because its extension is absent: see `extensions`.
struct ClientHello {
  std::uint16_t record_version = 0;
  std::uint16_t legacy_version = 0;
  std::vector<std::uint16_t> cipher_suites;
  std::vector<std::uint8_t> compression_methods;
  std::vector<std::uint16_t> extensions;
  std::optional<std::string> server_name;         // RFC 6066 §3: printable ASCII, as sent
  std::vector<std::string> alpn;                  // RFC 7301 §3.1: any bytes
  std::vector<std::uint16_t> supported_versions;  // RFC 8446 §4.2.1
  std::vector<std::uint16_t> supported_groups;    // RFC 8446 §4.2.7
  std::vector<std::uint16_t> key_share_groups;    // RFC 8446 §4.2.8
  std::size_t size = 0;                           // of the handshake message with its header

  bool has_extension(std::uint16_t type) const;
  // Whether this version may be negotiated: 0x0303 is TLS 1.2, 0x0304 TLS 1.3.
  bool offers_version(std::uint16_t version) const;
};

// A reserved value that a client sends to keep servers tolerant (RFC 8701 §2).
constexpr bool is_grease(std::uint16_t value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff); }

// Looks at the first bytes of a connection, in any segmentation and over several records, and says as early as the
// bytes allow whether they are a TLS ClientHello. Holds at most 16 kB.
class ClientHelloParser {
 public:
  enum class State {
    more,       // a valid beginning; also before the first byte
    hello,      // whole: see `hello`
    not_tls,    // the last byte that counted cannot stand there: see `reason`
    too_large,  // a ClientHello that announces more than `largest_hello`
  };
  // What fits into one record; post-quantum hellos have 2 kB.
  static constexpr std::size_t largest_hello = 16'384;

  // Bytes behind the record that ends the hello are not looked at; nor is anything once the state is not `more`.
  State feed(Bytes arrived);
  State state() const { return state_; }
  const ClientHello& hello() const { return hello_; }
  const std::string& reason() const { return reason_; }

 private:
  void take_record_byte(std::uint8_t byte);
  void check_message();
  bool check_head();
  void check_extensions();
  void stop(State state, std::string reason);
  void stop_unless_starved(const PrefixStatus& status);

  State state_ = State::more;
  ClientHello hello_;
  std::string reason_;
  std::size_t record_header_size_ = 0;  // bytes seen of this record's five
  std::size_t record_rest_ = 0;         // bytes of its content that are still to come
  std::vector<std::uint8_t> message_;   // what arrived of the handshake message, header and all
  // Where in it the first extension begins that has not arrived whole, 0 before there are any; and where in that
  // extension's list the first such entry begins.
  std::size_t next_extension_ = 0;
  std::size_t next_entry_ = 0;
};

}  // namespace crypelab::wire
