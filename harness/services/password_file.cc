#include "harness/services/password_file.h"

#include "harness/base/error.h"
#include "harness/base/md4.h"

#include <array>
#include <memory>

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/evp.h>

namespace crypelab::services {
namespace {

std::string hex(const std::uint8_t* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string digest(const std::string& text, const EVP_MD* kind) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, kind, nullptr) != 1)
    throw Failure(Exit::software, "cannot hash a password");
  return hex(out.data(), size);
}

}  // namespace

std::string crypt_file(const std::vector<model::ProxyUser>& users, const std::string& context) {
  std::string text;
  const auto room = std::make_unique<crypt_data>();
  for (const auto& user : users) {
    const std::string salt = digest(context + "\n" + user.name, EVP_sha256()).substr(0, 16);
    const char* hash = crypt_r(user.password.c_str(), ("$5$rounds=1000$" + salt + "$").c_str(), room.get());
    if (hash == nullptr || hash[0] != '$') throw Failure(Exit::software, "crypt(3) has no SHA-256");
    text += fmt::format("{}:{}\n", user.name, hash);
  }
  return text;
}

std::string digest_file(const std::vector<model::ProxyUser>& users, const std::string& realm) {
  std::string text;
  for (const auto& user : users) {
    text += fmt::format("{0}:{1}:{2}\n", user.name, realm,
                        digest(fmt::format("{}:{}:{}", user.name, realm, user.password), EVP_md5()));
  }
  return text;
}

std::string nt_hash_file(const std::vector<model::ProxyUser>& users) {
  std::string text;
  for (const auto& user : users) {
    std::string wide;  // UTF-16LE; passwords of scenarios are ASCII
    for (const char c : user.password) wide += {c, '\0'};
    const auto hash = md4(wide);
    text += fmt::format("{}:{}\n", user.name, hex(hash.data(), hash.size()));
  }
  return text;
}

}  // namespace crypelab::services
