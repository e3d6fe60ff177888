#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

namespace crypelab::faults {

// OpenSSL objects, each released by its owner.
struct ReleaseCertificate {
  void operator()(X509* certificate) const;
};
struct ReleaseKey {
  void operator()(EVP_PKEY* key) const;
};
using CertificateOwner = std::unique_ptr<X509, ReleaseCertificate>;
using KeyOwner = std::unique_ptr<EVP_PKEY, ReleaseKey>;

// Signs certificates that look like others: same subject, names and validity, another key, another issuer. All of them
// have the one key that was made when it was constructed.
class LeafSigner {
 public:
  // PEM files of the authority. Throws Failure{data}.
  LeafSigner(const std::string& certificate_file, const std::string& key_file);

  // Throws Failure{software} when OpenSSL refuses.
  CertificateOwner sign_like(const X509* original) const;
  EVP_PKEY* key() const { return key_.get(); }

 private:
  CertificateOwner authority_;
  KeyOwner authority_key_;
  KeyOwner key_;
};

}  // namespace crypelab::faults
