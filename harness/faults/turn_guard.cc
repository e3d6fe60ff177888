#include "harness/faults/turn_guard.h"

#include "harness/wire/base64.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace crypelab::faults {
namespace {

using wire::StunAttribute;

constexpr std::array<wire::PasswordAlgorithm, 2> kAlgorithms{wire::PasswordAlgorithm::sha256,
                                                             wire::PasswordAlgorithm::md5};

}  // namespace

// RFC 8489 section 9.2.4.
std::variant<TurnAsker, unsigned> TurnGuard::authenticate(const wire::StunMessage& request, Millis now) const {
  const auto fail = [](unsigned code) { return std::variant<TurnAsker, unsigned>(code); };
  const bool sha256 = request.integrity_sha256_offset().has_value();
  if (!sha256 && !request.integrity_offset()) return fail(401);
  const auto realm = request.text(StunAttribute::realm);
  const auto nonce = request.text(StunAttribute::nonce);
  std::optional<std::string> user;
  if (const auto name = request.text(StunAttribute::username)) {
    user = std::string(*name);
  } else if (const auto hash = request.find(StunAttribute::userhash)) {
    for (const auto& [known, password] : settings_->users) {
      if (std::ranges::equal(wire::userhash(known, settings_->realm).view(), *hash)) user = known;
    }
    if (!user) return fail(401);
  }
  if (!user || !realm || !nonce) return fail(400);
  if (!nonce_is_good(*nonce, now)) return fail(438);
  auto algorithm = wire::PasswordAlgorithm::md5;
  if (settings_->algorithms == TurnAlgorithms::sha256) {
    const auto listed = request.password_algorithms(StunAttribute::password_algorithms);
    const auto chosen = request.password_algorithms(StunAttribute::password_algorithm);
    if (!listed.empty() || !chosen.empty()) {
      const bool as_sent = std::ranges::equal(listed, kAlgorithms, {}, &wire::StunPasswordAlgorithm::algorithm);
      if (!as_sent || chosen.size() != 1) return fail(400);
      algorithm = chosen.front().algorithm;
      if (std::ranges::find(kAlgorithms, algorithm) == kAlgorithms.end()) return fail(400);
    }
  }
  const auto password = password_of(*user, now);
  if (!password || *realm != settings_->realm) return fail(401);
  TurnAsker asker{*user, wire::long_term_key(algorithm, *user, settings_->realm, *password), sha256};
  const auto check = sha256 ? wire::check_integrity_sha256(request, asker.key.view())
                            : wire::check_integrity(request, asker.key.view());
  if (check != wire::StunCheck::valid) return fail(401);
  return asker;
}

std::optional<std::string> TurnGuard::password_of(const std::string& user, Millis now) const {
  if (const auto found = settings_->users.find(user); found != settings_->users.end()) return found->second;
  if (settings_->secret.empty()) return std::nullopt;
  long long expires = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), expires);
  if (error != std::errc{} || (end != user.data() + user.size() && *end != ':')) return std::nullopt;
  if (std::chrono::seconds(expires) <= unix_start_ + std::chrono::duration_cast<std::chrono::seconds>(now))
    return std::nullopt;
  return wire::to_base64(
      wire::hmac(wire::Hash::sha1, wire::bytes_of(settings_->secret), {wire::bytes_of(user)}).view());
}

// The time at which it was made, and proof that it was made here.
std::string TurnGuard::nonce(Millis now) const {
  const auto cookie =
      settings_->algorithms == TurnAlgorithms::md5 ? std::string() : wire::nonce_cookie({.password_algorithms = true});
  const auto time = fmt::format("{:x}", now.count());
  const auto proof = wire::hmac(wire::Hash::sha256, wire::bytes_of(secret_), {wire::bytes_of(time)});
  return cookie + time + "-" + wire::lower_hex(proof.view().first(8));
}

bool TurnGuard::nonce_is_good(std::string_view text, Millis now) const {
  if (settings_->algorithms != TurnAlgorithms::md5) text.remove_prefix(std::min<std::size_t>(text.size(), 13));
  long long made = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made, 16);
  if (error != std::errc{} || made < 0 || made > now.count()) return false;
  const auto expected = nonce(Millis(made));
  const auto tail = std::string_view(expected).substr(expected.size() - std::min(expected.size(), text.size()));
  return wire::equal_in_constant_time(wire::bytes_of(tail), wire::bytes_of(text)) &&
         now - Millis(made) <= settings_->nonce_life;
}

void TurnGuard::challenge(wire::StunWriter& writer, Millis now) const {
  writer.add_text(StunAttribute::realm, settings_->realm);
  writer.add_text(StunAttribute::nonce, nonce(now));
  if (settings_->algorithms == TurnAlgorithms::sha256) writer.add_password_algorithms(kAlgorithms);
}

}  // namespace crypelab::faults
