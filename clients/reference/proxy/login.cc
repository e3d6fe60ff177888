#include "clients/reference/proxy/login.h"

#include <algorithm>
#include <array>

namespace crypelab::client::proxy {
namespace {

constexpr std::array<std::string_view, 4> scheme_names{"basic", "ntlm", "digest", "negotiate"};

// Of Digest algorithms the longer hash is the stronger one.
int strength(const Chosen& chosen) {
  if (chosen.scheme != Scheme::digest) return 0;
  switch (chosen.digest.algorithm) {
    case wire::DigestAlgorithm::md5:
    case wire::DigestAlgorithm::md5_sess:
      return 0;
    case wire::DigestAlgorithm::sha256:
    case wire::DigestAlgorithm::sha256_sess:
      return 1;
    case wire::DigestAlgorithm::sha512_256:
    case wire::DigestAlgorithm::sha512_256_sess:
      return 2;
  }
  return 0;
}

}  // namespace

std::string_view name_of(Scheme scheme) { return scheme_names[static_cast<std::size_t>(scheme)]; }

std::vector<Chosen> answerable(const std::vector<wire::HttpAuth>& challenges, const Account& account,
                               const Misbehaviour& misbehaviour) {
  std::vector<Chosen> found;
  const bool has_password = account.kind == Account::Kind::given;
  for (const auto& challenge : challenges) {
    if (challenge.is("Basic") && has_password) found.push_back({Scheme::basic, {}});
    if (challenge.is("NTLM") && has_password) found.push_back({Scheme::ntlm, {}});
    if (challenge.is("Negotiate") && account.kind == Account::Kind::ambient) found.push_back({Scheme::negotiate, {}});
    if (challenge.is("Digest") && has_password) {
      auto digest = wire::parse_digest_challenge(challenge);
      if (!digest && misbehaviour.breaks(Rule::p13)) {
        auto pretended = challenge;
        std::erase_if(pretended.parameters, [](const auto& parameter) { return parameter.first == "algorithm"; });
        digest = wire::parse_digest_challenge(pretended);
        if (digest) found.insert(found.begin(), {Scheme::digest, *digest});
        if (digest) return found;
      }
      if (digest) found.push_back({Scheme::digest, *digest});
    }
  }
  const bool weakest_digest = misbehaviour.breaks(Rule::p17);
  std::stable_sort(found.begin(), found.end(), [&](const Chosen& a, const Chosen& b) {
    if (a.scheme != b.scheme) return a.scheme > b.scheme;
    return weakest_digest ? strength(a) < strength(b) : strength(a) > strength(b);
  });
  if (misbehaviour.breaks(Rule::p07)) std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace crypelab::client::proxy
