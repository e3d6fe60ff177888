#include "harness/judge/stream.h"

#include "harness/judge/datagram.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

constexpr std::size_t kMostAhead = std::size_t{64} << 10;  // that is sent before a proxy's answer
constexpr std::size_t kShown = 8;                          // first bytes
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint8_t kServerHello = 2;

bool has_cookie_at(const std::vector<std::uint8_t>& bytes, std::size_t offset) {
  return bytes.size() >= offset + 4 && wire::load<std::uint32_t>(bytes, offset) == wire::stun_magic_cookie;
}

// An HTTP method as far as there are bytes: letters, then a space (RFC 9110 section 9.1).
bool may_be_http(const std::vector<std::uint8_t>& bytes) {
  for (const auto byte : bytes) {
    if (byte == ' ') return true;
    if (byte < 'A' || byte > 'Z') return false;
  }
  return true;
}

std::string small(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (std::size_t i = 0; i < std::min(bytes.size(), kShown); ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

void Stream::feed(Flow& flow, std::uint32_t sequence, wire::Bytes payload, Moment at, bool outgoing) {
  auto& order = order_[outgoing ? 1 : 0];
  order.feed(sequence, payload, [&](wire::Bytes bytes) { take(flow, bytes, at, outgoing); });
  if (order.broken()) flow.unread = true;
}

void Stream::lose(Flow& flow) {
  flow.unread = true;
  stage_ = Stage::opaque;
}

void Stream::take(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing) {
  switch (stage_) {
    case Stage::undecided:
      if (!outgoing) return;  // who speaks before the host speaks no protocol that is looked at
      opening_.insert(opening_.end(), bytes.begin(), bytes.end());
      decide(flow, at);
      return;
    case Stage::proxy:
      if (outgoing) {
        take_request(flow, bytes, at);
      } else {
        take_answer(flow, bytes, at);
      }
      return;
    case Stage::socks:
      return take_socks(flow, bytes, at, outgoing);
    case Stage::tls:
      return take_tls(flow, bytes, at, outgoing);
    case Stage::turn:
      return take_turn(flow, bytes, at, outgoing);
    case Stage::framed:
      return take_framed(flow, bytes, at, outgoing);
    case Stage::opaque:
      return;
  }
}

void Stream::decide(Flow& flow, Moment at) {
  flow.first_bytes = hex(opening_);
  if (opening_[0] == kHandshake) {
    stage_ = Stage::tls;
    flow.opening = Opening::tls;
    flow.tls.emplace();
    flow.tls->hello_at = at;
  } else if (has_cookie_at(opening_, 4)) {
    stage_ = Stage::turn;
    flow.opening = Opening::stun;
  } else if (has_cookie_at(opening_, 6)) {
    stage_ = Stage::framed;
    flow.opening = Opening::framed;
  } else if (!flow.tunnel && Socks::begins(opening_)) {
    stage_ = Stage::socks;
    flow.opening = Opening::other;
  } else if (may_be_http(opening_)) {
    const bool whole_method = std::ranges::find(opening_, ' ') != opening_.end();
    if (!whole_method && opening_.size() < 16) return;
    flow.opening = Opening::http;
    stage_ = !flow.tunnel && wire::text_of(opening_).starts_with("CONNECT ") ? Stage::proxy : Stage::opaque;
  } else if (opening_.size() >= 10) {
    flow.opening = Opening::other;
    stage_ = Stage::opaque;
  } else {
    return;
  }
  const auto bytes = std::move(opening_);
  opening_.clear();
  take(flow, bytes, at, true);
}

void Stream::take_request(Flow& flow, wire::Bytes bytes, Moment at) {
  while (!bytes.empty()) {
    if (awaiting_) {  // sent before the answer: what it is, the answer decides
      if (ahead_.size() + bytes.size() > kMostAhead) return lose(flow);
      ahead_.insert(ahead_.end(), bytes.begin(), bytes.end());
      return;
    }
    const auto used = request_.feed(bytes);
    bytes = bytes.subspan(used);
    if (request_.state() == wire::HttpState::more) return;
    if (request_.state() != wire::HttpState::head) {
      flow.after_refusal += bytes.size() + used;
      stage_ = Stage::opaque;
      return;
    }
    const auto& head = request_.head();
    ConnectNote note{.at = at, .method = head.method, .target = head.target};
    if (const auto credentials = head.fields.find("Proxy-Authorization"))
      note.scheme = small(credentials->substr(0, credentials->find(' ')));
    note.alpn = head.fields.find("ALPN").has_value();
    if (!flow.connects.empty()) note.offered_before = flow.connects.back().offered;
    flow.connects.push_back(std::move(note));
    request_ = wire::HttpRequestParser();
    answer_ = wire::HttpResponseParser();
    awaiting_ = true;
  }
}

void Stream::take_answer(Flow& flow, wire::Bytes bytes, Moment at) {
  while (!bytes.empty()) {
    if (body_left_ > 0) {
      const auto size = std::min(body_left_, bytes.size());
      body_left_ -= size;
      bytes = bytes.subspan(size);
      continue;
    }
    if (!awaiting_ || flow.connects.empty()) return;
    bytes = bytes.subspan(answer_.feed(bytes));
    if (answer_.state() == wire::HttpState::more) return;
    if (answer_.state() != wire::HttpState::head) {
      stage_ = Stage::opaque;
      return;
    }
    const auto& head = answer_.head();
    if (head.status < 200) {  // interim (RFC 9110 section 15.2)
      answer_ = wire::HttpResponseParser();
      continue;
    }
    auto& note = flow.connects.back();
    note.status = head.status;
    note.answered = at;
    for (const auto challenge : head.fields.all("Proxy-Authenticate"))
      note.offered += (note.offered.empty() ? "" : ", ") + std::string(challenge.substr(0, challenge.find(' ')));
    awaiting_ = false;
    const auto ahead = std::exchange(ahead_, {});
    if (note.status < 300) {
      flow.tunnel = at;
      stage_ = Stage::undecided;
      flow.opening = Opening::none;
      if (!ahead.empty()) take(flow, ahead, at, true);
      return;  // RFC 9110 section 9.3.6: no body; what follows is the far end's
    }
    const auto length = head.fields.find("Content-Length");
    std::size_t size = 0;
    if (length) std::from_chars(length->data(), length->data() + length->size(), size);
    body_left_ = size;
    answer_ = wire::HttpResponseParser();
    take_request(flow, ahead, at);
  }
}

void Stream::take_socks(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing) {
  socks_.feed(bytes, outgoing);
  if (socks_.target() && flow.connects.empty()) {
    flow.connects.push_back(
        {.at = at, .method = "SOCKS5", .target = *socks_.target(), .scheme = socks_.with_password() ? "password" : ""});
  }
  if (!socks_.opened() && !socks_.refused()) return;
  // In the terms of HTTP, which the checks know: opened, or refused.
  if (!flow.connects.empty()) {
    flow.connects.back().status = socks_.opened() ? 200 : 403;
    flow.connects.back().answered = at;
  }
  if (!socks_.opened()) {
    stage_ = Stage::opaque;
    return;
  }
  flow.tunnel = at;
  flow.opening = Opening::none;
  stage_ = Stage::undecided;
  if (const auto rest = socks_.rest(true); !rest.empty()) take(flow, rest, at, true);
}

void Stream::take_tls(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing) {
  auto& note = *flow.tls;
  if (outgoing && hello_.state() == wire::ClientHelloParser::State::more) {
    if (hello_.feed(bytes) == wire::ClientHelloParser::State::hello) note.hello = hello_.hello();
    if (hello_.state() == wire::ClientHelloParser::State::not_tls) flow.opening = Opening::other;
  }
  auto& side = tls_[outgoing ? 1 : 0];
  while (!bytes.empty() && !side.lost) {
    if (side.left == 0) {
      while (side.header.size() < 5 && !bytes.empty()) {
        side.header.push_back(bytes.front());
        bytes = bytes.subspan(1);
      }
      if (side.header.size() < 5) return;
      side.type = side.header[0];
      side.length = side.left = wire::load<std::uint16_t>(side.header, 3);
      side.header.clear();
      side.content.clear();
      side.lost = side.type < 20 || side.type > 24 || side.length > 16'640;
      if (side.left == 0) continue;
    }
    const auto size = std::min(side.left, bytes.size());
    if (side.content.size() < 4) {
      const auto wanted = bytes.first(std::min(size, 4 - side.content.size()));
      side.content.insert(side.content.end(), wanted.begin(), wanted.end());
    }
    side.left -= size;
    bytes = bytes.subspan(size);
    if (side.left == 0) end_record(flow, side, at, outgoing);
  }
}

void Stream::end_record(Flow& flow, TlsSide& side, Moment at, bool outgoing) {
  auto& note = *flow.tls;
  if (side.type == kApplicationData) {
    (outgoing ? note.records_out : note.records_in) += 1;
    if (outgoing && !note.data_began) note.data_began = at;
    note_data(flow, {at, outgoing, static_cast<std::uint32_t>(side.length), std::nullopt});
  } else if (side.type == kHandshake && !outgoing && !side.content.empty() && side.content[0] == kServerHello) {
    if (!note.server_hello) note.server_hello = at;
  } else if (side.type == kAlert && side.length == 2 && side.content.size() == 2) {
    (outgoing ? note.alert_out : note.alert_in) = side.content[1];
  }
}

void Stream::take_turn(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing) {
  auto& side = turn_[outgoing ? 1 : 0];
  if (side.fault()) return;
  side.feed(bytes);
  while (const auto frame = side.next()) note_message(flow, frame->bytes, frame->bytes.size(), at, outgoing);
  if (side.fault() && outgoing) flow.broken_framing = side.fault();
}

void Stream::take_framed(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing) {
  auto& side = framed_[outgoing ? 1 : 0];
  side.feed(bytes);
  while (const auto packet = side.next()) note_message(flow, *packet, packet->size(), at, outgoing);
}

}  // namespace crypelab::judge
