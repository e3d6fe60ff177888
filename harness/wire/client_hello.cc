#include "harness/wire/client_hello.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

constexpr std::size_t record_header = 5;
constexpr std::size_t largest_record = 16'384;  // RFC 8446 §5.1
constexpr std::size_t message_header = 4;
constexpr std::size_t smallest_body = 2 + 32 + 1 + 4 + 2;  // without session id and extensions, with one cipher suite

// RFC 6066 §3, RFC 8446 §4.2.
constexpr std::uint16_t server_name_type = 0;
constexpr std::uint16_t supported_groups_type = 10;
constexpr std::uint16_t alpn_type = 16;
constexpr std::uint16_t supported_versions_type = 43;
constexpr std::uint16_t key_share_type = 51;

// Each of these reads the list of one extension as far as it has arrived. `next` is where its first unread entry
// begins: with it kept between calls an extension that comes byte by byte costs no more than one that comes at once.

void read_numbers(PrefixReader list, std::size_t& next, const char* what, std::vector<std::uint16_t>& values) {
  for (list.skip(next); !list.stopped() && !list.at_end(); next = list.offset()) {
    const auto value = list.number(2, what);
    if (list.stopped()) return;
    values.push_back(static_cast<std::uint16_t>(value));
  }
}

void read_server_names(PrefixReader list, std::size_t& next, std::optional<std::string>& server_name) {
  for (list.skip(next); !list.stopped() && !list.at_end(); next = list.offset()) {
    const auto type = list.number(1, "a name type");
    if (!list.stopped() && type != 0) list.fault("a server name that is not a host name");
    // At most one of a type (RFC 6066 §3): with two, whoever checks one may be led past by the other.
    if (server_name) list.fault("two host names");
    PrefixReader name = list.vector(2, 1, 255, 1, "a host name");
    const auto text = name.bytes(name.left(), "a host name");
    const bool printable = std::all_of(text.begin(), text.end(), [](std::uint8_t c) { return c > 0x20 && c < 0x7f; });
    if (!printable) list.fault("a host name that is not printable ASCII");
    if (list.stopped()) return;
    server_name = std::string(text_of(text));
  }
}

void read_alpn(PrefixReader list, std::size_t& next, std::vector<std::string>& identifiers) {
  for (list.skip(next); !list.stopped() && !list.at_end(); next = list.offset()) {
    PrefixReader name = list.vector(1, 1, 255, 1, "an ALPN identifier");
    const auto text = name.bytes(name.left(), "an ALPN identifier");
    if (list.stopped()) return;
    identifiers.emplace_back(text_of(text));
  }
}

void read_key_shares(PrefixReader list, std::size_t& next, std::vector<std::uint16_t>& groups) {
  for (list.skip(next); !list.stopped() && !list.at_end(); next = list.offset()) {
    const auto group = list.number(2, "a key share group");
    list.vector(2, 1, 0xFFFF, 1, "a key share");
    list.wait_for_all();
    if (list.stopped()) return;
    groups.push_back(static_cast<std::uint16_t>(group));
  }
}

// What we know of the extension's inside, which is one list each time; the others are opaque.
void read_extension(std::uint16_t type, PrefixReader body, std::size_t& next, ClientHello& hello) {
  const auto list = [&](std::size_t width, std::size_t least, std::size_t most, std::size_t unit, const char* what) {
    const PrefixReader entries = body.vector(width, least, most, unit, what);
    if (!body.stopped() && !body.at_end()) body.fault(fmt::format("bytes behind {}", what));
    return entries;
  };
  switch (type) {
    case server_name_type:
      return read_server_names(list(2, 4, 0xFFFF, 1, "the server name list"), next, hello.server_name);
    case alpn_type:
      return read_alpn(list(2, 2, 0xFFFF, 1, "the ALPN list"), next, hello.alpn);
    case key_share_type:
      return read_key_shares(list(2, 0, 0xFFFF, 1, "the key share list"), next, hello.key_share_groups);
    case supported_versions_type:
      return read_numbers(list(1, 2, 254, 2, "the list of versions"), next, "a version", hello.supported_versions);
    case supported_groups_type:
      return read_numbers(list(2, 2, 0xFFFE, 2, "the list of groups"), next, "a group", hello.supported_groups);
    default:
      return;
  }
}

}  // namespace

bool ClientHello::has_extension(std::uint16_t type) const {
  return std::find(extensions.begin(), extensions.end(), type) != extensions.end();
}

bool ClientHello::offers_version(std::uint16_t version) const {
  if (!has_extension(supported_versions_type)) return version <= legacy_version && version <= 0x0303;
  return std::find(supported_versions.begin(), supported_versions.end(), version) != supported_versions.end();
}

ClientHelloParser::State ClientHelloParser::feed(Bytes arrived) {
  while (state_ == State::more && !arrived.empty()) {
    if (record_header_size_ < record_header) {
      take_record_byte(arrived[0]);
      arrived = arrived.subspan(1);
      continue;
    }
    const Bytes taken = arrived.first(std::min(arrived.size(), record_rest_));
    message_.insert(message_.end(), taken.begin(), taken.end());
    arrived = arrived.subspan(taken.size());
    record_rest_ -= taken.size();
    if (record_rest_ == 0) record_header_size_ = 0;
    check_message();
  }
  return state_;
}

void ClientHelloParser::take_record_byte(std::uint8_t byte) {
  switch (++record_header_size_) {
    case 1:
      if (byte != 22)
        stop(State::not_tls, fmt::format("a record begins with 0x{:02x}, not with 0x16 (handshake)", byte));
      return;
    case 2:
      if (byte != 3) stop(State::not_tls, fmt::format("the record version begins with {}, not with 3", byte));
      return;
    case 3:
      if (byte > 4) stop(State::not_tls, fmt::format("the record version is 3.{}", byte));
      if (message_.empty()) hello_.record_version = static_cast<std::uint16_t>(0x0300 | byte);
      return;
    case 4:
      record_rest_ = std::size_t{byte} << 8;
      break;
    default:
      record_rest_ |= byte;
      if (record_rest_ == 0) return stop(State::not_tls, "a handshake record is empty");
  }
  if (record_rest_ > largest_record) stop(State::not_tls, "a record is longer than 16,384 bytes");
}

void ClientHelloParser::check_message() {
  if (message_[0] != 1) {
    return stop(State::not_tls, fmt::format("the handshake message is of type {}, not 1 (ClientHello)", message_[0]));
  }
  std::size_t body = 0;
  for (std::size_t i = 1; i < message_header; ++i) body = body << 8 | (i < message_.size() ? message_[i] : 0);
  const bool whole_header = message_.size() >= message_header;
  if (message_header + body > largest_hello) {
    return stop(State::too_large, fmt::format("a ClientHello of {}{} bytes; at most {} are looked at",
                                              whole_header ? "" : "at least ", message_header + body, largest_hello));
  }
  if (!whole_header) return;
  if (body < smallest_body) return stop(State::not_tls, fmt::format("a ClientHello of {} bytes is impossible", body));
  hello_.size = message_header + body;
  if (message_.size() + record_rest_ > hello_.size)
    return stop(State::not_tls, "the record holds more than a ClientHello");
  if (next_extension_ != 0 || check_head()) check_extensions();
}

// Everything before the extensions. True when it has arrived and extensions follow.
bool ClientHelloParser::check_head() {
  PrefixStatus status;
  PrefixReader body(Bytes(message_).subspan(message_header), hello_.size - message_header, status);
  const auto major = body.number(1, "the version");
  if (!body.stopped() && major != 3) body.fault(fmt::format("the version begins with {}, not with 3", major));
  const auto minor = body.number(1, "the version");
  if (minor > 4) body.fault(fmt::format("the version is 3.{}", minor));
  body.bytes(32, "the random");
  body.vector(1, 0, 32, 1, "the session id");
  const PrefixReader suites = body.vector(2, 2, 0xFFFE, 2, "the list of cipher suites");
  PrefixReader compression = body.vector(1, 1, 255, 1, "the list of compression methods");
  const auto methods = compression.bytes(compression.left(), "compression methods");
  if (!body.stopped() && std::find(methods.begin(), methods.end(), 0) == methods.end()) {
    body.fault("the compression methods lack the null method");
  }
  const bool with_extensions = !body.at_end();
  const std::size_t extensions_at = body.offset() + 2;
  if (with_extensions) {
    body.vector(2, 0, 0xFFFF, 1, "the list of extensions");
    if (!body.stopped() && !body.at_end()) body.fault("bytes behind the extensions");
  }
  if (status.stopped()) {
    stop_unless_starved(status);
    return false;
  }
  hello_.legacy_version = static_cast<std::uint16_t>(major << 8 | minor);
  std::size_t next_suite = 0;
  read_numbers(suites, next_suite, "a cipher suite", hello_.cipher_suites);
  hello_.compression_methods.assign(methods.begin(), methods.end());
  if (!with_extensions) {
    stop(State::hello, {});
    return false;
  }
  next_extension_ = message_header + extensions_at;
  return true;
}

void ClientHelloParser::check_extensions() {
  while (next_extension_ < hello_.size) {
    PrefixStatus status;
    PrefixReader rest(Bytes(message_).subspan(next_extension_), hello_.size - next_extension_, status);
    if (rest.left() < 4) rest.fault("no room for an extension");
    const auto type = static_cast<std::uint16_t>(rest.number(2, "an extension type"));
    if (!rest.stopped() && hello_.has_extension(type)) rest.fault(fmt::format("extension {} occurs twice", type));
    const PrefixReader content = rest.vector(2, 0, 0xFFFF, 1, "an extension");
    if (!rest.stopped()) read_extension(type, content, next_entry_, hello_);
    rest.wait_for_all();
    if (status.stopped()) return stop_unless_starved(status);
    hello_.extensions.push_back(type);
    next_entry_ = 0;
    next_extension_ += rest.offset();
  }
  stop(State::hello, {});
}

void ClientHelloParser::stop(State state, std::string reason) {
  state_ = state;
  reason_ = std::move(reason);
}

void ClientHelloParser::stop_unless_starved(const PrefixStatus& status) {
  if (!status.fault.empty()) stop(State::not_tls, status.fault);
}

}  // namespace crypelab::wire
