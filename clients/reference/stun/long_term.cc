#include "clients/reference/stun/long_term.h"

#include <algorithm>

namespace crypelab::client::stun {

using wire::StunAttribute;

Result<LongTerm> LongTerm::create(std::string_view username, std::string_view password) {
  const auto user = wire::opaque_string(username);
  if (!user) return Complaint{"user name: " + user.complaint()};
  const auto secret = wire::opaque_string(password);
  if (!secret) return Complaint{"password: " + secret.complaint()};
  LongTerm account;
  account.username_ = *user;
  account.password_ = *secret;
  return account;
}

void LongTerm::derive() {
  // The realm comes from the server, and is used as it came if the profile refuses it: the digest then decides.
  const auto prepared = wire::opaque_string(realm_);
  const std::string& realm = prepared ? *prepared : realm_;
  md5_key_ = wire::long_term_key(wire::PasswordAlgorithm::md5, username_, realm, password_);
  key_ = algorithm_ ? wire::long_term_key(*algorithm_, username_, realm, password_) : md5_key_;
}

void LongTerm::sign(wire::StunWriter& request, const Misbehaviour& misbehaviour) const {
  if (anonymous_) {
    request.add(StunAttribute::userhash, wire::userhash(username_, realm_).view());
  } else {
    request.add_text(StunAttribute::username, username_);
  }
  request.add_text(StunAttribute::realm, realm_).add_text(StunAttribute::nonce, nonce_);
  if (algorithm_ && misbehaviour.breaks(Rule::s12)) {
    request.add_integrity(md5_key_.view());
    return;
  }
  if (algorithm_) {
    request.add(StunAttribute::password_algorithms, offered_).add_password_algorithm(*algorithm_);
    request.add_integrity_sha256(key_.view());
  } else {
    request.add_integrity(key_.view());
  }
}

LongTerm::Challenge LongTerm::take(const wire::StunMessage& answer, bool was_signed, const Misbehaviour& misbehaviour) {
  const auto nonce = answer.text(StunAttribute::nonce);
  const auto realm = answer.text(StunAttribute::realm);
  const bool stale = answer.error() && answer.error()->code == 438;
  if (!nonce || nonce->empty()) return Challenge::malformed;
  // §9.2.5: a 401 names the realm; a 438 should, and the one in use holds if it does not.
  if (!realm && (!stale || realm_.empty())) return Challenge::malformed;

  const auto features = wire::security_features(*nonce).value_or(wire::StunSecurityFeatures{});
  const auto offered = answer.find(StunAttribute::password_algorithms);
  if (features.password_algorithms && !offered && !misbehaviour.breaks(Rule::s11)) return Challenge::bid_down;

  std::optional<wire::PasswordAlgorithm> algorithm;
  if (offered) {
    for (const auto& each : answer.password_algorithms(StunAttribute::password_algorithms)) {
      const bool known =
          each.algorithm == wire::PasswordAlgorithm::md5 || each.algorithm == wire::PasswordAlgorithm::sha256;
      if (known && each.parameters.empty()) {
        algorithm = each.algorithm;
        break;
      }
    }
    if (!algorithm) return Challenge::no_algorithm;
  }

  const std::string new_realm(realm.value_or(realm_));
  const bool same =
      was_signed && new_realm == realm_ && algorithm == algorithm_ && features.username_anonymity == anonymous_;
  if (!stale && same && !misbehaviour.breaks(Rule::s09)) return Challenge::refused;
  if (stale && misbehaviour.breaks(Rule::s10) && !nonce_.empty()) return Challenge::retry;

  nonce_ = *nonce;
  const bool new_key = new_realm != realm_ || algorithm != algorithm_ || key_.size == 0;
  realm_ = new_realm;
  algorithm_ = algorithm;
  anonymous_ = features.username_anonymity;
  offered_.clear();
  if (offered) offered_.assign(offered->begin(), offered->end());
  if (new_key) derive();
  return Challenge::retry;
}

bool LongTerm::authentic(const wire::StunMessage& answer) const {
  // §9.2.5: with an agreed algorithm MESSAGE-INTEGRITY-SHA256 alone counts.
  if (algorithm_) return wire::check_integrity_sha256(answer, key_.view()) == wire::StunCheck::valid;
  return wire::check_integrity(answer, key_.view()) == wire::StunCheck::valid;
}

}  // namespace crypelab::client::stun
