#include "harness/gate/first_bytes.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::gate {
namespace {

using wire::ClientHelloParser;
using wire::HttpState;

// A hello in small records has more of headers than of hello.
constexpr std::size_t kMostSeen = 2 * ClientHelloParser::largest_hello;

// What the policy says against a hello, or nothing.
std::string objection(const Policy& policy, const wire::ClientHello& hello) {
  if (!hello.server_name && policy.name_required) return "a ClientHello without a server name";
  if (policy.names && hello.server_name && !covers(*policy.names, *hello.server_name)) {
    return fmt::format("server name {} is not on the list", *hello.server_name);
  }
  if (policy.protocols.empty()) return {};
  for (const auto& protocol : hello.alpn) {
    // RFC 8701 section 2: reserved values stand there only to be ignored.
    const bool reserved =
        protocol.size() == 2 && wire::is_grease(wire::load<std::uint16_t>(wire::bytes_of(protocol), 0));
    if (!reserved && std::ranges::find(policy.protocols, protocol) == policy.protocols.end()) {
      return fmt::format("application protocol {:?} is not on the list", protocol);
    }
  }
  return {};
}

}  // namespace

const wire::ClientHello* FirstBytes::hello() const {
  return tls_.state() == ClientHelloParser::State::hello ? &tls_.hello() : nullptr;
}

FirstBytes::State FirstBytes::stop(State state, std::string reason) {
  state_ = state;
  reason_ = std::move(reason);
  return state_;
}

FirstBytes::State FirstBytes::feed(wire::Bytes arrived) {
  if (state_ != State::more || arrived.empty()) return state_;
  if (seen_.size() + arrived.size() > kMostSeen && arrived.size() <= kMostSeen) {
    return stop(State::refuse, fmt::format("no end of the first message within {} bytes", kMostSeen));
  }
  seen_.insert(seen_.end(), arrived.begin(), arrived.end());
  if (policy_->tls) {
    const auto state = tls_.feed(arrived);
    if (state == ClientHelloParser::State::hello) {
      auto against = objection(*policy_, tls_.hello());
      if (!against.empty()) return stop(State::refuse, std::move(against));
      return stop(State::pass, "a TLS ClientHello");
    }
    if (state == ClientHelloParser::State::too_large) {
      return stop(State::refuse, fmt::format("a ClientHello of more than {} bytes", ClientHelloParser::largest_hello));
    }
  }
  if (policy_->http) {
    http_.feed(arrived);
    if (http_.state() == HttpState::head) return stop(State::pass, "an HTTP request");
    if (http_.state() == HttpState::too_large) return stop(State::refuse, "an HTTP head beyond all limits");
  }
  const bool no_tls = !policy_->tls || tls_.state() == ClientHelloParser::State::not_tls;
  const bool no_http = !policy_->http || http_.state() == HttpState::bad;
  if (!no_tls || !no_http) return state_;
  std::string why;
  if (policy_->tls) why = "not TLS: " + tls_.reason();
  if (policy_->http) why += fmt::format("{}not HTTP: {}", why.empty() ? "" : "; ", http_.reason());
  return stop(State::refuse, std::move(why));
}

std::string_view looks_like(wire::Bytes first) {
  const auto text = wire::text_of(first);
  if (text.starts_with("SSH-")) return "SSH";
  // RFC 8489 section 5: the two zero bits and the magic cookie.
  if (first.size() >= 8 && first[0] < 0x40 && wire::load<std::uint32_t>(first, 4) == 0x2112'a442) return "STUN";
  if (first.size() >= 3 && first[0] == 0x16 && first[1] == 3) return "TLS";
  for (const std::string_view method : {"GET ", "POST ", "HEAD ", "PUT ", "CONNECT ", "OPTIONS ", "DELETE "}) {
    if (text.starts_with(method)) return "HTTP";
  }
  return {};
}

}  // namespace crypelab::gate
