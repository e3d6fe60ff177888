#include "harness/probe/opening.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace crypelab::probe {
namespace {

using Buffer = std::vector<std::uint8_t>;

void put16(Buffer& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put_text(Buffer& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
void put_extension(Buffer& out, std::uint16_t type, const Buffer& body) {
  put16(out, type);
  put16(out, body.size());
  out.insert(out.end(), body.begin(), body.end());
}

Buffer client_hello(const measure::Reach& ask) {
  Buffer extensions;
  if (!ask.server_name.empty()) {  // RFC 6066 §3
    Buffer name;
    put16(name, ask.server_name.size() + 3);
    name.push_back(0);
    put16(name, ask.server_name.size());
    put_text(name, ask.server_name);
    put_extension(extensions, 0, name);
  }
  if (!ask.protocols.empty()) {  // RFC 7301 §3.1
    Buffer list;
    for (const auto& protocol : ask.protocols) {
      list.push_back(static_cast<std::uint8_t>(protocol.size()));
      put_text(list, protocol);
    }
    Buffer body;
    put16(body, list.size());
    body.insert(body.end(), list.begin(), list.end());
    put_extension(extensions, 16, body);
  }
  put_extension(extensions, 43, {2, 3, 3});           // supported_versions: TLS 1.2
  put_extension(extensions, 10, {0, 2, 0, 23});       // supported_groups: secp256r1
  put_extension(extensions, 13, {0, 4, 4, 3, 8, 4});  // signature_algorithms

  Buffer body{3, 3};
  Buffer random(32);
  std::ranges::copy_n(ask.token.begin(), static_cast<std::ptrdiff_t>(std::min<std::size_t>(ask.token.size(), 32)),
                      random.begin());
  body.insert(body.end(), random.begin(), random.end());
  body.push_back(0);  // no session
  for (const std::uint8_t byte : {0, 4, 0xC0, 0x2B, 0xC0, 0x2F}) body.push_back(byte);
  body.push_back(1);
  body.push_back(0);  // no compression
  put16(body, extensions.size());
  body.insert(body.end(), extensions.begin(), extensions.end());

  Buffer record{22, 3, 1};
  put16(record, body.size() + 4);
  record.push_back(1);
  record.push_back(0);
  put16(record, body.size());
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

}  // namespace

Buffer opening_bytes(const measure::Reach& ask) {
  switch (ask.opening.value_or(measure::Opening::stun)) {
    case measure::Opening::tls:
      return client_hello(ask);
    case measure::Opening::http: {
      const auto head = fmt::format("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", ask.token, to_string(ask.to));
      return {head.begin(), head.end()};
    }
    case measure::Opening::stun:
      break;
  }
  return {};
}

std::optional<std::size_t> opening_size(wire::Bytes incoming) {
  if (incoming.empty()) return std::nullopt;
  if (incoming[0] == 22) {
    if (incoming.size() < 5) return std::nullopt;
    const std::size_t size = 5 + (std::size_t{incoming[3]} << 8 | incoming[4]);
    if (size > largest_opening) return 0;
    return incoming.size() < size ? std::nullopt : std::optional(size);
  }
  if (incoming[0] != 'G') return 0;
  constexpr std::string_view end = "\r\n\r\n";
  const auto found = std::search(incoming.begin(), incoming.end(), end.begin(), end.end());
  if (found != incoming.end()) return static_cast<std::size_t>(found - incoming.begin()) + end.size();
  return incoming.size() < largest_opening ? std::nullopt : std::optional<std::size_t>(0);
}

}  // namespace crypelab::probe
