#include "clients/reference/proxy/socks_dialogue.h"

#include "clients/reference/proxy/server.h"
#include "harness/base/address.h"

#include <array>

#include <fmt/format.h>

namespace crypelab::client::proxy {

using transport::Problem;

namespace {

constexpr std::array<std::string_view, 9> replies{"success",
                                                  "general failure",
                                                  "not allowed by its rules",
                                                  "network unreachable",
                                                  "host unreachable",
                                                  "connection refused",
                                                  "TTL expired",
                                                  "command not supported",
                                                  "address type not supported"};

}  // namespace

SocksDialogue::SocksDialogue(std::string host, std::uint16_t port, const Account& account)
    : host_(std::move(host)), port_(port), account_(account) {
  if (host_.empty() || host_.size() > 255) fail(Problem::proxy_connect_denied, "SOCKS cannot carry this name");
}

void SocksDialogue::fail(Problem problem, std::string detail) {
  trouble_ = {problem, std::move(detail)};
  step_ = Step::failed;
}

std::vector<std::uint8_t> SocksDialogue::message() {
  step_ = Step::read;
  std::vector<std::uint8_t> out;
  const bool has_password = account_.kind == Account::Kind::given && !account_.user.empty() &&
                            account_.user.size() <= 255 && account_.password.size() <= 255;
  switch (stage_) {
    case Stage::method:
      if (has_password) return {5, 2, 0, 2};
      return {5, 1, 0};
    case Stage::password:
      with_password_ = true;
      out = {1, static_cast<std::uint8_t>(account_.user.size())};
      out.insert(out.end(), account_.user.begin(), account_.user.end());
      out.push_back(static_cast<std::uint8_t>(account_.password.size()));
      out.insert(out.end(), account_.password.begin(), account_.password.end());
      return out;
    case Stage::request:
      break;
  }
  out = {5, 1, 0};
  if (const auto address = parse_address(host_)) {
    out.push_back(address->is_v4() ? 1 : 4);
    out.insert(out.end(), address->bytes().begin(), address->bytes().begin() + (address->is_v4() ? 4 : 16));
  } else {
    out.push_back(3);
    out.push_back(static_cast<std::uint8_t>(host_.size()));
    out.insert(out.end(), host_.begin(), host_.end());
  }
  out.push_back(static_cast<std::uint8_t>(port_ >> 8));
  out.push_back(static_cast<std::uint8_t>(port_ & 0xff));
  return out;
}

void SocksDialogue::ended() {
  if (step_ == Step::read) fail(Problem::proxy_unreachable, "the SOCKS server closed the connection");
}

std::size_t SocksDialogue::take(wire::Bytes arrived) {
  if (step_ != Step::read || arrived.size() < 2) return 0;
  const unsigned version = stage_ == Stage::password ? 1 : 5;
  if (arrived[0] != version) {
    fail(Problem::proxy_unreachable, "the answer is not SOCKS5");
    return 0;
  }
  const unsigned code = arrived[1];
  switch (stage_) {
    case Stage::method:
      if (code == 0) stage_ = Stage::request;
      if (code == 2) stage_ = Stage::password;
      step_ = Step::send;
      if (code == 2 && account_.kind == Account::Kind::given) return 2;
      if (code == 0) return 2;
      if (account_.kind == Account::Kind::given) {
        fail(Problem::proxy_auth_unsupported, "the SOCKS server accepts no method that is known here");
      } else {
        fail(Problem::proxy_auth_required, "the SOCKS server wants credentials and there are none");
      }
      return 2;
    case Stage::password:
      if (code != 0) {
        fail(Problem::proxy_auth_failed, "the SOCKS server refuses the user or the password");
        return 2;
      }
      stage_ = Stage::request;
      step_ = Step::send;
      return 2;
    case Stage::request:
      break;
  }
  if (arrived.size() < 5) return 0;
  const unsigned kind = arrived[3];
  const std::size_t size = kind == 1 ? 10u : kind == 4 ? 22u : kind == 3 ? 7u + arrived[4] : 0u;
  if (size == 0) {
    fail(Problem::proxy_unreachable, "the SOCKS server's answer has an address of no known kind");
    return 0;
  }
  if (arrived.size() < size) return 0;
  if (code == 0) {
    step_ = Step::tunnel;
    return size;
  }
  const auto what = code < replies.size() ? std::string(replies[code]) : fmt::format("code {}", code);
  fail(code == 2 ? Problem::proxy_connect_denied : Problem::proxy_unreachable,
       fmt::format("the SOCKS server answers '{}' for {}", what, authority_of(host_, port_)));
  return size;
}

}  // namespace crypelab::client::proxy
