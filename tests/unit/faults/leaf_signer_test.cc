#include "harness/faults/leaf_signer.h"

#include "harness/base/error.h"

#include <cstdio>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace crypelab::faults::leaf_signer_test {
namespace {

CertificateOwner certificate(const char* name, EVP_PKEY* key, const char* alternative) {
  CertificateOwner made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
  X509_set_pubkey(made.get(), key);
  const auto* text = reinterpret_cast<const unsigned char*>(name);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1, -1, 0);
  X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
  if (alternative != nullptr) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative);
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(made.get(), key, EVP_sha256());
  return made;
}

class LeafSignerTest : public testing::Test {
 protected:
  LeafSignerTest() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")) {
    authority_ = certificate("corporate", key_.get(), nullptr);
    if (FILE* file = std::fopen(certificate_file_.c_str(), "w")) {
      PEM_write_X509(file, authority_.get());
      std::fclose(file);
    }
    if (FILE* file = std::fopen(key_file_.c_str(), "w")) {
      PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
      std::fclose(file);
    }
  }
  ~LeafSignerTest() override {
    std::remove(certificate_file_.c_str());
    std::remove(key_file_.c_str());
  }

  std::string certificate_file_ = testing::TempDir() + "signer-" + std::to_string(getpid()) + ".crt";
  std::string key_file_ = testing::TempDir() + "signer-" + std::to_string(getpid()) + ".key";
  KeyOwner key_;
  CertificateOwner authority_;
};

TEST_F(LeafSignerTest, a_leaf_has_the_names_and_the_life_of_the_original_and_another_key_and_issuer) {
  const KeyOwner other(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const auto original = certificate("turns.crype.test", other.get(), "DNS:turns.crype.test,DNS:turns-b.crype.test");
  const LeafSigner signer(certificate_file_, key_file_);
  const auto leaf = signer.sign_like(original.get());
  EXPECT_EQ(X509_check_host(leaf.get(), "turns-b.crype.test", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf.get(), "www.crype.test", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_verify(leaf.get(), key_.get()), 1);
  EXPECT_EQ(X509_NAME_cmp(X509_get_issuer_name(leaf.get()), X509_get_subject_name(authority_.get())), 0);
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(leaf.get()), X509_get_subject_name(original.get())), 0);
  EXPECT_EQ(ASN1_TIME_compare(X509_get0_notAfter(leaf.get()), X509_get0_notAfter(original.get())), 0);
  EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(leaf.get()), signer.key()), 1);
  EXPECT_NE(EVP_PKEY_eq(X509_get0_pubkey(leaf.get()), other.get()), 1);
}

TEST_F(LeafSignerTest, without_its_files_it_says_which_one_is_missing) {
  try {
    const LeafSigner signer(certificate_file_, "/no/such.key");
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("/no/such.key"), std::string::npos);
  }
}

}  // namespace
}  // namespace crypelab::faults::leaf_signer_test
