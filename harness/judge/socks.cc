#include "harness/judge/socks.h"

#include "harness/base/address.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

constexpr std::size_t kLargest = 2'048;  // more than any dialogue needs before it is understood
constexpr std::uint8_t kVersion = 5;
constexpr std::uint8_t kNoPassword = 0;
constexpr std::uint8_t kPassword = 2;
enum : std::uint8_t { kIpv4 = 1, kName = 3, kIpv6 = 4 };  // RFC 1928 section 5

std::string target_of(const std::vector<std::uint8_t>& request) {
  const auto size = request.size();
  const unsigned port = wire::load<std::uint16_t>(request, size - 2);
  const auto host = std::vector<std::uint8_t>(request.begin() + 4, request.end() - 2);
  if (request[3] == kName) return fmt::format("{}:{}", wire::text_of(wire::Bytes(host).subspan(1)), port);
  if (request[3] == kIpv4) {
    return crypelab::to_string(
        Endpoint{Address::v4(wire::load<std::uint32_t>(host, 0)), static_cast<std::uint16_t>(port)});
  }
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(host, bytes.begin());
  return crypelab::to_string(Endpoint{Address::v6(bytes), static_cast<std::uint16_t>(port)});
}

}  // namespace

bool Socks::begins(const std::vector<std::uint8_t>& opening) {
  return opening.size() >= 3 && opening[0] == kVersion && opening[1] > 0 && opening.size() == 2u + opening[1];
}

void Socks::feed(wire::Bytes bytes, bool outgoing) {
  auto& side = outgoing ? out_ : in_;
  if (step_ == Step::refused || side.size() + bytes.size() > (kLargest << 5)) return;
  side.insert(side.end(), bytes.begin(), bytes.end());
  while (advance()) continue;
  if (!opened() && std::max(out_.size(), in_.size()) > kLargest) step_ = Step::refused;
}

std::optional<std::size_t> Socks::address_size(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  if (bytes.size() < at + 5) return std::nullopt;
  const std::size_t host = bytes[at + 3] == kIpv4 ? 4 : bytes[at + 3] == kIpv6 ? 16 : 1u + bytes[at + 4];
  const auto size = at + 4 + host + 2;
  return bytes.size() < size ? std::nullopt : std::optional(size);
}

void Socks::drop(std::vector<std::uint8_t>& bytes, std::size_t count) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
}

bool Socks::advance() {
  switch (step_) {
    case Step::greeting:
      if (out_.size() < 2 || out_.size() < 2u + out_[1]) return false;
      drop(out_, 2u + out_[1]);
      step_ = Step::method;
      return true;
    case Step::method:
      if (in_.size() < 2) return false;
      step_ = in_[1] == kPassword ? Step::password : in_[1] == kNoPassword ? Step::request : Step::refused;
      drop(in_, 2);
      return true;
    case Step::password: {
      if (out_.size() < 2 || out_.size() < 3u + out_[1]) return false;
      const std::size_t size = 3u + out_[1] + out_[2u + out_[1]];
      if (out_.size() < size) return false;
      drop(out_, size);
      password_ = true;
      step_ = Step::password_answer;
      return true;
    }
    case Step::password_answer:
      if (in_.size() < 2) return false;
      step_ = in_[1] == 0 ? Step::request : Step::refused;
      drop(in_, 2);
      return true;
    case Step::request: {
      const auto size = address_size(out_, 0);
      if (!size) return false;
      target_ = target_of({out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(*size)});
      drop(out_, *size);
      step_ = Step::reply;
      return true;
    }
    case Step::reply: {
      const auto size = address_size(in_, 0);
      if (!size) return false;
      step_ = in_[1] == 0 ? Step::opened : Step::refused;
      drop(in_, *size);
      return true;
    }
    case Step::opened:
    case Step::refused:
      return false;
  }
  return false;
}

}  // namespace crypelab::judge
