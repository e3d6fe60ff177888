#include "harness/lab/trust.h"

namespace crypelab::lab {
namespace {

const char* common_name(services::Issuer issuer) {
  switch (issuer) {
    case services::Issuer::lab:
      return "crypelab lab authority";
    case services::Issuer::corporate:
      return "crypelab corporate inspection authority";
    case services::Issuer::stranger:
      return "an authority that nobody knows";
  }
  return "";
}

}  // namespace

const Authority& Trust::authority(services::Issuer issuer) {
  return authorities_.try_emplace(issuer, common_name(issuer)).first->second;
}

std::string Trust::authorities(const std::vector<services::Issuer>& issuers) {
  std::string all;
  for (const auto issuer : issuers) all += authority(issuer).certificate();
  return all;
}

Credential Trust::make(const services::Certificate& certificate) {
  const auto& issuer = authority(certificate.issuer);
  if (certificate.names.empty()) return {issuer.certificate(), issuer.key()};
  return issuer.issue({.names = certificate.names,
                       .key = certificate.rsa ? KeyKind::rsa_2048 : KeyKind::ecdsa_p256,
                       .validity = certificate.validity});
}

}  // namespace crypelab::lab
