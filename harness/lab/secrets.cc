#include "harness/lab/secrets.h"

#include "harness/base/error.h"
#include "harness/wire/base64.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace crypelab::lab {

const std::string& Secrets::of(const std::string& name) {
  auto& secret = secrets_[name];
  if (secret.empty()) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) throw Failure(Exit::software, "cannot get random bytes");
    for (const auto byte : bytes) secret += fmt::format("{:02x}", byte);
  }
  return secret;
}

std::string Secrets::put_into(const std::string& text) {
  constexpr std::string_view mark = "{secret:";
  std::string out;
  std::size_t begin = 0;
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, begin)) {
    const auto end = text.find('}', at);
    if (end == std::string::npos) break;
    out.append(text, begin, at - begin);
    out += of(text.substr(at + mark.size(), end - at - mark.size()));
    begin = end + 1;
  }
  return out.append(text, begin);
}

TurnLogin time_limited_login(const std::string& secret, const std::string& user, long long expires) {
  TurnLogin login{fmt::format("{}:{}", expires, user), ""};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(login.user.data()), login.user.size(), digest, &size) == nullptr) {
    throw Failure(Exit::software, "cannot compute an HMAC");
  }
  login.password = wire::to_base64({digest, size});
  return login;
}

}  // namespace crypelab::lab
