#include "harness/faults/proxy_guard.h"

#include "harness/wire/digest.h"
#include "harness/wire/http_digest.h"
#include "harness/wire/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::faults {
namespace {

constexpr std::size_t kMostSessions = 4096;
constexpr std::string_view kBasic = "Basic";
constexpr std::string_view kDigest = "Digest";

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::free:
      return "free";
    case Verdict::absent:
      return "absent";
    case Verdict::accepted:
      return "accepted";
    case Verdict::wrong:
      return "wrong";
    case Verdict::stale:
      return "stale";
    case Verdict::expired:
      return "expired";
    case Verdict::unsupported:
      return "unsupported";
    case Verdict::malformed:
      return "malformed";
  }
  return "";
}

ProxyGuard::ProxyGuard(const ProxySettings& settings, std::string secret)
    : settings_(&settings), secret_(std::move(secret)) {}

// "TIME-SEAL": nothing has to be remembered, and nobody else can make one.
std::string ProxyGuard::nonce(Millis made) const {
  const auto time = fmt::format("{:x}", made.count());
  const auto seal = wire::hmac(wire::Hash::sha256, wire::bytes_of(secret_), {wire::bytes_of(time)});
  return time + "-" + wire::lower_hex(seal.view().first(16));
}

bool ProxyGuard::offers(std::string_view scheme, std::string_view algorithm) const {
  return std::ranges::any_of(settings_->challenges, [&](const OfferedChallenge& offered) {
    if (!wire::equal_ignoring_case(offered.scheme, scheme)) return false;
    const auto name = offered.algorithm.empty() ? std::string_view("MD5") : std::string_view(offered.algorithm);
    return algorithm.empty() || wire::equal_ignoring_case(name, algorithm);
  });
}

Presented ProxyGuard::judge(const wire::HttpRequestHead& request, const std::string& client, Millis now) {
  if (settings_->challenges.empty() && settings_->refusal == Refusal::challenge) return {Verdict::free};
  const auto fields = request.fields.all("Proxy-Authorization");
  if (fields.empty()) return {Verdict::absent};
  const auto credentials = wire::parse_credentials(fields.front());
  if (fields.size() > 1 || !credentials) return {Verdict::malformed};
  Presented presented{Verdict::unsupported};
  if (credentials->is(kBasic) && offers(kBasic, "")) {
    presented = judge_basic(*credentials);
  } else if (credentials->is(kDigest) && offers(kDigest, "")) {
    presented = judge_digest(*credentials, request, now);
  }
  presented.scheme = credentials->scheme;
  if (presented.verdict == Verdict::accepted) judge_session(presented, client, now);
  return presented;
}

Presented ProxyGuard::judge_basic(const wire::HttpAuth& credentials) const {
  const auto basic = wire::parse_basic(credentials);
  if (!basic) return {Verdict::malformed};
  Presented presented{Verdict::wrong};
  const auto user = settings_->users.find(basic->user);
  if (user == settings_->users.end()) return presented;
  presented.user = user->first;
  if (wire::equal_in_constant_time(wire::bytes_of(user->second), wire::bytes_of(basic->password))) {
    presented.verdict = Verdict::accepted;
  }
  return presented;
}

Presented ProxyGuard::judge_digest(const wire::HttpAuth& credentials, const wire::HttpRequestHead& request,
                                   Millis now) const {
  const auto digest = wire::parse_digest_credentials(credentials);
  if (!digest) return {Verdict::malformed};
  Presented presented{Verdict::wrong};
  presented.algorithm = wire::name_of(digest->algorithm);
  presented.nc = digest->nc;
  if (!offers(kDigest, presented.algorithm)) {
    presented.verdict = Verdict::unsupported;
    return presented;
  }
  const auto user = settings_->users.find(digest->username);
  if (user == settings_->users.end()) return presented;
  presented.user = user->first;
  // RFC 7616 section 3.4: of a CONNECT the uri is the target, letter for letter.
  if (digest->realm != settings_->realm || digest->uri != request.target) return presented;
  const auto text = digest->nonce.substr(0, digest->nonce.find('-'));
  Millis::rep made = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made, 16);
  const bool ours = error == std::errc{} && end == text.data() + text.size() && made >= 0 && made <= now.count() &&
                    digest->nonce == nonce(Millis(made));
  const bool right = wire::verify_digest(*digest, user->first, user->second, request.method);
  // Section 3.3: stale says that the credentials were right, so that nobody is asked again.
  const bool old = !ours || (settings_->nonce_life && now - Millis(made) > *settings_->nonce_life);
  if (right) presented.verdict = old ? Verdict::stale : Verdict::accepted;
  return presented;
}

void ProxyGuard::judge_session(Presented& presented, const std::string& client, Millis now) {
  if (!settings_->session) return;
  if (sessions_.size() >= kMostSessions) sessions_.clear();
  const auto [session, begun] = sessions_.try_emplace({client, presented.user}, now);
  if (!begun && now - session->second >= *settings_->session) {
    sessions_.erase(session);
    presented.verdict = Verdict::expired;
    return;
  }
  presented.expires = session->second + *settings_->session;
}

std::vector<std::string> ProxyGuard::challenges(bool stale, Millis now) const {
  std::vector<std::string> values;
  for (const auto& offered : settings_->challenges) {
    std::string value = offered.scheme;
    if (wire::equal_ignoring_case(offered.scheme, kBasic)) {
      value += fmt::format(" realm={}", wire::quoted(settings_->realm));
    } else if (wire::equal_ignoring_case(offered.scheme, kDigest)) {
      value += fmt::format(" realm={}, nonce=\"{}\", qop=\"auth\"", wire::quoted(settings_->realm), nonce(now));
      if (!offered.algorithm.empty()) value += ", algorithm=" + offered.algorithm;
      if (!offered.domain.empty()) value += ", domain=" + wire::quoted(offered.domain);
      if (stale) value += ", stale=true";
    }
    if (settings_->one_field && !values.empty()) {
      values.front() += ", " + value;
    } else {
      values.push_back(std::move(value));
    }
  }
  return values;
}

}  // namespace crypelab::faults
