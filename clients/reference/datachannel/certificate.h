#pragma once

#include "harness/wire/sdp.h"

#include <memory>

struct evp_pkey_st;
struct x509_st;

namespace crypelab::client::datachannel {

// The client's identity in one call: a key and a certificate of its own making (RFC 8827 §5.5: ECDSA on P-256), known
// to the peer by its fingerprint alone. Throws Failure when OpenSSL cannot make one.
class Certificate {
 public:
  Certificate();
  ~Certificate();
  Certificate(Certificate&&) noexcept;
  Certificate& operator=(Certificate&&) noexcept;

  // SHA-256 (RFC 8122 §5).
  const wire::SdpFingerprint& fingerprint() const { return fingerprint_; }
  evp_pkey_st* key() const { return key_.get(); }
  x509_st* certificate() const { return certificate_.get(); }

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };
  struct FreeCertificate {
    void operator()(x509_st* certificate) const;
  };
  std::unique_ptr<evp_pkey_st, FreeKey> key_;
  std::unique_ptr<x509_st, FreeCertificate> certificate_;
  wire::SdpFingerprint fingerprint_;
};

// Whether the certificate has one of these fingerprints, of an algorithm that is known and not broken (RFC 8122 §5:
// of several algorithms the strongest one that is known counts).
bool matches(x509_st* certificate, const std::vector<wire::SdpFingerprint>& fingerprints);

}  // namespace crypelab::client::datachannel
