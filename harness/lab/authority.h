#pragma once

#include "harness/services/process.h"

#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace crypelab::lab {

// What a certificate can be asked to be.
enum class KeyKind { ecdsa_p256, rsa_2048 };
using services::Validity;
struct LeafRequest {
  std::vector<std::string> names;  // DNS names and IP addresses, as subject alternative names (RFC 9525)
  KeyKind key = KeyKind::ecdsa_p256;
  Validity validity = Validity::now;
};

// A certificate with its private key, PEM. Never written to a disk: the lab's folder lies in memory and ends with it.
struct Credential {
  std::string certificate;  // the leaf alone; its issuer is the authority
  std::string key;
};

// A certificate authority made for one lab and gone with it.
class Authority {
 public:
  // `name` becomes the common name: "crypelab lab authority", or what a customer's inspection proxy calls itself.
  explicit Authority(const std::string& name);
  Authority(Authority&&) noexcept;
  Authority& operator=(Authority&&) noexcept;
  ~Authority();

  const std::string& certificate() const { return certificate_; }  // PEM
  std::string key() const;                                         // PEM, for a proxy that mints leaves itself
  Credential issue(const LeafRequest& request) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(x509_st* certificate) const;
  };
  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<x509_st, Free> x509_;
  std::string certificate_;
};

}  // namespace crypelab::lab
