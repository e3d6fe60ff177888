#include "harness/lab/authority.h"

#include "harness/base/address.h"
#include "harness/base/error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace crypelab::lab {
namespace {

constexpr long kDay = 24L * 60 * 60;

[[noreturn]] void fail(const char* what) {
  char text[256] = {};
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  throw Failure(Exit::software, std::string("cannot ") + what + ": " + text);
}

void require(bool done, const char* what) {
  if (!done) fail(what);
}

template <auto Function>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Bio = std::unique_ptr<BIO, Release<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;

Key make_key(KeyKind kind) {
  Key key(kind == KeyKind::ecdsa_p256 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256") : EVP_RSA_gen(2048));
  require(key != nullptr, "make a key");
  return key;
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(bio && PEM_write_bio_X509(bio.get(), certificate) == 1, "write a certificate");
  return text_of(bio);
}

std::string pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  require(bio && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "write a key");
  return text_of(bio);
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "add a certificate extension");
}

void set_serial(X509* certificate) {
  unsigned char bytes[16];
  require(RAND_bytes(bytes, sizeof bytes) == 1, "get random bytes");
  bytes[0] &= 0x7f;  // positive, RFC 5280 section 4.1.2.2
  bytes[0] |= 0x40;  // and never shorter
  const std::unique_ptr<BIGNUM, Release<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
          "set a serial number");
}

Certificate start(const std::string& common_name, EVP_PKEY* key, long not_before, long not_after) {
  Certificate certificate(X509_new());
  require(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "make a certificate");
  set_serial(certificate.get());
  require(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), not_before) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(certificate.get()), not_after) != nullptr &&
              X509_set_pubkey(certificate.get(), key) == 1,
          "fill a certificate");
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  require(
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1,
      "name a certificate");
  return certificate;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string value;
  for (const auto& name : names) {
    if (!value.empty()) value += ",";
    value += (parse_address(name) ? "IP:" : "DNS:") + name;
  }
  return value;
}

}  // namespace

void Authority::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void Authority::Free::operator()(x509_st* certificate) const { X509_free(certificate); }

Authority::Authority(const std::string& name) {
  Key key = make_key(KeyKind::ecdsa_p256);
  Certificate own = start(name, key.get(), -kDay, 30 * kDay);
  require(X509_set_issuer_name(own.get(), X509_get_subject_name(own.get())) == 1, "name an issuer");
  extend(own.get(), own.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(own.get(), own.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(own.get(), own.get(), NID_subject_key_identifier, "hash");
  require(X509_sign(own.get(), key.get(), EVP_sha256()) != 0, "sign a certificate");
  certificate_ = pem(own.get());
  key_.reset(key.release());
  x509_.reset(own.release());
}

Authority::Authority(Authority&&) noexcept = default;
Authority& Authority::operator=(Authority&&) noexcept = default;
Authority::~Authority() = default;

std::string Authority::key() const { return pem(key_.get()); }

Credential Authority::issue(const LeafRequest& request) const {
  if (request.names.empty()) throw Failure(Exit::software, "a certificate needs at least one name");
  const Key key = make_key(request.key);
  const long from = request.validity == Validity::not_yet ? kDay : -2 * kDay;
  const long until = request.validity == Validity::expired ? -kDay : 20 * kDay;
  // A common name is at most 64 characters (RFC 5280 appendix A.1); the alternative names are what counts.
  const Certificate leaf = start(request.names.front().substr(0, 64), key.get(), from, until);
  require(X509_set_issuer_name(leaf.get(), X509_get_subject_name(x509_.get())) == 1, "name an issuer");
  extend(leaf.get(), x509_.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(leaf.get(), x509_.get(), NID_key_usage,
         request.key == KeyKind::rsa_2048 ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature");
  extend(leaf.get(), x509_.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  extend(leaf.get(), x509_.get(), NID_subject_alt_name, alternative_names(request.names));
  extend(leaf.get(), x509_.get(), NID_authority_key_identifier, "keyid");
  require(X509_sign(leaf.get(), key_.get(), EVP_sha256()) != 0, "sign a certificate");
  return {pem(leaf.get()), pem(key.get())};
}

}  // namespace crypelab::lab
