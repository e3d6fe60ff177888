#include "harness/faults/leaf_signer.h"

#include "harness/base/error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace crypelab::faults {
namespace {

struct ReleaseBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct ReleaseNumber {
  void operator()(BIGNUM* number) const { BN_free(number); }
};
struct ReleaseExtension {
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};

void require(bool done, const char* what) {
  if (done) return;
  char text[256] = {};
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  throw Failure(Exit::software, std::string("cannot ") + what + ": " + text);
}

std::unique_ptr<BIO, ReleaseBio> open_file(const std::string& path) {
  std::unique_ptr<BIO, ReleaseBio> bio(BIO_new_file(path.c_str(), "r"));
  if (!bio) throw Failure(Exit::data, "cannot read " + path);
  return bio;
}

void set_serial(X509* certificate) {
  unsigned char bytes[16];
  require(RAND_bytes(bytes, sizeof bytes) == 1, "get random bytes");
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3f) | 0x40);  // positive (RFC 5280 section 4.1.2.2), not shorter
  const std::unique_ptr<BIGNUM, ReleaseNumber> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
          "set a serial number");
}

void extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, ReleaseExtension> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "add a certificate extension");
}

}  // namespace

void ReleaseCertificate::operator()(X509* certificate) const { X509_free(certificate); }
void ReleaseKey::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

LeafSigner::LeafSigner(const std::string& certificate_file, const std::string& key_file)
    : authority_(PEM_read_bio_X509(open_file(certificate_file).get(), nullptr, nullptr, nullptr)),
      authority_key_(PEM_read_bio_PrivateKey(open_file(key_file).get(), nullptr, nullptr, nullptr)),
      key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")) {
  if (!authority_) throw Failure(Exit::data, certificate_file + " holds no certificate");
  if (!authority_key_) throw Failure(Exit::data, key_file + " holds no key");
  require(key_ != nullptr, "make a key");
}

CertificateOwner LeafSigner::sign_like(const X509* original) const {
  CertificateOwner leaf(X509_new());
  require(leaf && X509_set_version(leaf.get(), X509_VERSION_3) == 1, "make a certificate");
  set_serial(leaf.get());
  require(X509_set_subject_name(leaf.get(), X509_get_subject_name(original)) == 1 &&
              X509_set_issuer_name(leaf.get(), X509_get_subject_name(authority_.get())) == 1 &&
              X509_set1_notBefore(leaf.get(), X509_get0_notBefore(original)) == 1 &&
              X509_set1_notAfter(leaf.get(), X509_get0_notAfter(original)) == 1 &&
              X509_set_pubkey(leaf.get(), key_.get()) == 1,
          "fill a certificate");
  extend(leaf.get(), authority_.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(leaf.get(), authority_.get(), NID_key_usage, "critical,digitalSignature");
  extend(leaf.get(), authority_.get(), NID_ext_key_usage, "serverAuth");
  if (X509_get0_subject_key_id(authority_.get()) != nullptr)
    extend(leaf.get(), authority_.get(), NID_authority_key_identifier, "keyid");
  if (const int at = X509_get_ext_by_NID(original, NID_subject_alt_name, -1); at >= 0) {
    require(X509_add_ext(leaf.get(), X509_get_ext(original, at), -1) == 1, "copy the names of a certificate");
  }
  require(X509_sign(leaf.get(), authority_key_.get(), EVP_sha256()) != 0, "sign a certificate");
  return leaf;
}

}  // namespace crypelab::faults
