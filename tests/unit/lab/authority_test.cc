#include "harness/lab/authority.h"

#include <memory>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace crypelab::lab::authority_test {
namespace {

template <auto Function>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Certificate = std::unique_ptr<X509, Release<X509_free>>;

Certificate read(const std::string& pem) {
  const std::unique_ptr<BIO, Release<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// X509_V_OK, or why a client that trusts `authority` and asked for `name` refuses `leaf`.
int verify(const std::string& authority, const std::string& leaf, const char* name) {
  const Certificate trusted = read(authority);
  const Certificate presented = read(leaf);
  const std::unique_ptr<X509_STORE, Release<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), trusted.get());
  const std::unique_ptr<X509_STORE_CTX, Release<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), presented.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set1_host(parameters, name, 0);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(Authority, a_leaf_is_valid_for_its_names_and_for_no_other) {
  const Authority authority("crypelab lab authority");
  const auto leaf = authority.issue({.names = {"turn.crype.test", "turns.crype.test", "203.0.113.20"}});
  EXPECT_EQ(verify(authority.certificate(), leaf.certificate, "turns.crype.test"), X509_V_OK);
  EXPECT_EQ(verify(authority.certificate(), leaf.certificate, "signal.crype.test"), X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST(Authority, another_authority_is_not_trusted) {
  const Authority lab("crypelab lab authority");
  const Authority stranger("crypelab lab authority");
  const auto leaf = stranger.issue({.names = {"turn.crype.test"}});
  EXPECT_NE(verify(lab.certificate(), leaf.certificate, "turn.crype.test"), X509_V_OK);
}

TEST(Authority, an_expired_and_a_future_leaf_say_so) {
  const Authority authority("crypelab lab authority");
  const auto old = authority.issue({.names = {"a.test"}, .validity = Validity::expired});
  const auto early = authority.issue({.names = {"a.test"}, .validity = Validity::not_yet});
  EXPECT_EQ(verify(authority.certificate(), old.certificate, "a.test"), X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(verify(authority.certificate(), early.certificate, "a.test"), X509_V_ERR_CERT_NOT_YET_VALID);
}

TEST(Authority, an_rsa_leaf_is_signed_by_the_same_authority) {
  const Authority authority("crypelab lab authority");
  const auto leaf = authority.issue({.names = {"a.test"}, .key = KeyKind::rsa_2048});
  EXPECT_EQ(verify(authority.certificate(), leaf.certificate, "a.test"), X509_V_OK);
  EXPECT_EQ(EVP_PKEY_get_base_id(X509_get0_pubkey(read(leaf.certificate).get())), EVP_PKEY_RSA);
}

TEST(Authority, it_survives_being_moved) {
  Authority first("one");
  Authority second(std::move(first));
  first = Authority("two");
  const auto leaf = second.issue({.names = {"a.test"}});
  EXPECT_EQ(verify(second.certificate(), leaf.certificate, "a.test"), X509_V_OK);
  EXPECT_NE(verify(first.certificate(), leaf.certificate, "a.test"), X509_V_OK);
}

}  // namespace
}  // namespace crypelab::lab::authority_test
