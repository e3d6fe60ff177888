#include "harness/faults/inner_bytes.h"

#include <algorithm>

namespace crypelab::faults {
namespace {

// RFC 9113 section 3.4: how HTTP/2 begins.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kCookie("\x21\x12\xa4\x42", 4);
constexpr std::size_t kCookieAt = 4;
constexpr std::size_t kKept = 64;

}  // namespace

InnerBytes::State InnerBytes::feed(std::string_view arrived) {
  if (state_ != State::more) return state_;
  seen_.append(arrived.substr(0, kKept - std::min(kKept, seen_.size())));
  const auto compared = std::min(seen_.size(), kPreface.size());
  const bool preface = std::string_view(seen_).substr(0, compared) == kPreface.substr(0, compared);
  http_.feed(wire::bytes_of(arrived));
  if (http_.state() == wire::HttpState::head || (preface && compared == kPreface.size())) {
    state_ = State::http;
  } else if (http_.state() != wire::HttpState::more && !preface) {
    state_ = State::other;
  }
  return state_;
}

std::string_view InnerBytes::kind() const {
  if (state_ == State::http) return "http";
  const bool stun = seen_.size() >= kCookieAt + kCookie.size() && static_cast<unsigned char>(seen_[0]) < 0x40 &&
                    std::string_view(seen_).substr(kCookieAt, kCookie.size()) == kCookie;
  return stun ? "stun" : "other";
}

}  // namespace crypelab::faults
