#include "harness/services/server_certificate.h"

namespace crypelab::services {

Certificate server_certificate(const std::string& file, std::vector<std::string> names, const std::string& another,
                               model::ServerCertificate kind, model::ServerKey key) {
  Certificate certificate{.file = file, .names = std::move(names), .rsa = key == model::ServerKey::rsa};
  switch (kind) {
    case model::ServerCertificate::valid:
      break;
    case model::ServerCertificate::expired:
      certificate.validity = Validity::expired;
      break;
    case model::ServerCertificate::not_yet_valid:
      certificate.validity = Validity::not_yet;
      break;
    case model::ServerCertificate::wrong_name:
      certificate.names = {another};
      break;
    case model::ServerCertificate::untrusted:
      certificate.issuer = Issuer::stranger;
      break;
  }
  return certificate;
}

}  // namespace crypelab::services
