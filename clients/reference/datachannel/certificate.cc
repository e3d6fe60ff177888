#include "clients/reference/datachannel/certificate.h"

#include "harness/base/error.h"
#include "harness/wire/bytes.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

namespace crypelab::client::datachannel {
namespace {

[[noreturn]] void fail() { throw Failure(Exit::software, "OpenSSL makes no certificate"); }

std::vector<std::uint8_t> digest_of(X509* certificate, const EVP_MD* algorithm) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, algorithm, digest.data(), &size) != 1) return {};
  return {digest.begin(), digest.begin() + size};
}

}  // namespace

void Certificate::FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void Certificate::FreeCertificate::operator()(x509_st* certificate) const { X509_free(certificate); }
Certificate::~Certificate() = default;
Certificate::Certificate(Certificate&&) noexcept = default;
Certificate& Certificate::operator=(Certificate&&) noexcept = default;

Certificate::Certificate() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), certificate_(X509_new()) {
  if (!key_ || !certificate_) fail();
  std::array<std::uint8_t, 8> serial{};
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) fail();
  serial[0] &= 0x7F;
  X509* const x509 = certificate_.get();
  X509_NAME* const name = X509_get_subject_name(x509);
  constexpr long day = 24L * 3'600;
  const bool made =
      X509_set_version(x509, X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), wire::load<std::uint64_t>(serial, 0)) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(x509), -day) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(x509), 30 * day) != nullptr &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, wire::bytes_of("crypelab-client").data(), -1, -1, 0) == 1 &&
      X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key_.get()) == 1 &&
      X509_sign(x509, key_.get(), EVP_sha256()) != 0;
  if (!made) fail();
  fingerprint_ = {"sha-256", digest_of(x509, EVP_sha256())};
}

bool matches(x509_st* certificate, const std::vector<wire::SdpFingerprint>& fingerprints) {
  struct Known {
    std::string_view name;
    const EVP_MD* algorithm;
  };
  for (const Known& known :
       {Known{"sha-512", EVP_sha512()}, Known{"sha-384", EVP_sha384()}, Known{"sha-256", EVP_sha256()}}) {
    bool offered = false;
    const auto digest = digest_of(certificate, known.algorithm);
    for (const auto& fingerprint : fingerprints) {
      if (fingerprint.algorithm != known.name) continue;
      offered = true;
      if (!digest.empty() && fingerprint.digest == digest) return true;
    }
    if (offered) return false;
  }
  return false;
}

}  // namespace crypelab::client::datachannel
