#include "harness/wire/digest.h"

#include "harness/base/error.h"

#include <memory>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace crypelab::wire {
namespace {

struct Free {
  void operator()(EVP_MD* md) const { EVP_MD_free(md); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
template <class Handle>
using Owner = std::unique_ptr<Handle, Free>;

const char* name_of(Hash algorithm) {
  switch (algorithm) {
    case Hash::md5:
      return "MD5";
    case Hash::sha1:
      return "SHA1";
    case Hash::sha256:
      return "SHA256";
    case Hash::sha512_256:
      return "SHA512-256";
  }
  return "";
}

[[noreturn]] void unavailable(Hash algorithm) {
  throw Failure(Exit::software, std::string("the crypto library does not offer ") + name_of(algorithm));
}

// Fetched once: a fetch by name costs more than hashing a small message.
const EVP_MD* fetched(Hash algorithm) {
  static const std::array<Owner<EVP_MD>, 4> all = [] {
    std::array<Owner<EVP_MD>, 4> result;
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i].reset(EVP_MD_fetch(nullptr, name_of(static_cast<Hash>(i)), nullptr));
    }
    return result;
  }();
  const EVP_MD* md = all[static_cast<std::size_t>(algorithm)].get();
  if (md == nullptr) unavailable(algorithm);
  return md;
}

}  // namespace

HashValue hash(Hash algorithm, std::initializer_list<Bytes> pieces) {
  HashValue value;
  const Owner<EVP_MD_CTX> context(EVP_MD_CTX_new());
  bool good = context && EVP_DigestInit_ex2(context.get(), fetched(algorithm), nullptr) == 1;
  for (const Bytes piece : pieces) {
    good = good && EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1;
  }
  unsigned size = 0;
  if (!good || EVP_DigestFinal_ex(context.get(), value.bytes.data(), &size) != 1) unavailable(algorithm);
  value.size = size;
  return value;
}

HashValue hmac(Hash algorithm, Bytes key, std::initializer_list<Bytes> pieces) {
  static const Owner<EVP_MAC> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  HashValue value;
  const Owner<EVP_MAC_CTX> context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
  std::string name = name_of(algorithm);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
                                   OSSL_PARAM_construct_end()};
  // A null key means "the key of before" to the library, so that an empty one needs an address.
  static constexpr std::uint8_t no_key = 0;
  bool good = context && EVP_MAC_init(context.get(), key.empty() ? &no_key : key.data(), key.size(), parameters) == 1;
  for (const Bytes piece : pieces) good = good && EVP_MAC_update(context.get(), piece.data(), piece.size()) == 1;
  if (!good || EVP_MAC_final(context.get(), value.bytes.data(), &value.size, value.bytes.size()) != 1) {
    unavailable(algorithm);
  }
  return value;
}

std::string lower_hex(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool equal_in_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace crypelab::wire
