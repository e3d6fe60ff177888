#include "clients/signaling/credential.h"

#include "clients/signaling/message.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace crypelab::signaling {
namespace {

// EVP takes unsigned bytes.
const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes(text), text.size(), digest.data());
  return {digest.begin(), digest.end()};
}

bool is_turn(std::string_view url) { return url.starts_with("turn:") || url.starts_with("turns:"); }

}  // namespace

Result<std::string> decode_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '-' || c == '_') {
      value = c == '-' ? 62 : 63;
    } else {
      return Complaint{"base64url has A-Z a-z 0-9 - _ only, without padding"};
    }
    bits = bits << 6U | value;
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 0xffU);
    }
  }
  if (have == 6 || (bits & ((1U << have) - 1)) != 0) return Complaint{"base64url ends in the middle of an octet"};
  return out;
}

Result<bool> Tokens::add(std::string_view token, std::string_view peer) {
  if (!is_name(peer)) return Complaint{"a peer's name has 1 to 64 of A-Z a-z 0-9 . _ -"};
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.empty() || token.size() > 1024 || !visible) {
    return Complaint{fmt::format("the token of peer {} is not 1 to 1024 visible ASCII characters", peer)};
  }
  if (!peers_.emplace(sha256(token), peer).second) {
    return Complaint{fmt::format("the token of peer {} is another peer's too", peer)};
  }
  return true;
}

std::string_view Tokens::peer(std::string_view token) const {
  const auto found = peers_.find(sha256(token));
  return found == peers_.end() ? std::string_view() : std::string_view(found->second);
}

TurnCredential turn_credential(std::string_view secret, std::string_view peer, std::uint64_t expires) {
  TurnCredential made{fmt::format("{}:{}", expires, peer), {}};
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), bytes(made.username), made.username.size(),
       mac.data(), &size);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> text{};
  const int length = EVP_EncodeBlock(text.data(), mac.data(), static_cast<int>(size));
  made.credential.assign(text.begin(), text.begin() + length);
  return made;
}

std::string ice_servers_json(const IceServers& servers, std::string_view peer, std::uint64_t unix_now) {
  boost::json::array stun;
  boost::json::array turn;
  for (const std::string& url : servers.urls) (is_turn(url) ? turn : stun).emplace_back(url);
  boost::json::array list;
  if (!stun.empty()) list.push_back(boost::json::object{{"urls", std::move(stun)}});
  if (!turn.empty()) {
    boost::json::object entry{{"urls", std::move(turn)}};
    if (!servers.secret.empty()) {
      const TurnCredential made = turn_credential(servers.secret, peer, unix_now + servers.lifetime);
      entry["username"] = made.username;
      entry["credential"] = made.credential;
    }
    list.push_back(std::move(entry));
  }
  return boost::json::serialize(list);
}

}  // namespace crypelab::signaling
