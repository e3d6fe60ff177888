#include "harness/wire/ntlm.h"

#include "harness/base/md4.h"
#include "harness/wire/digest.h"
#include "harness/wire/ntlm_layout.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

using namespace ntlm;  // NOLINT(google-build-using-namespace): the layout is this file's language

constexpr std::size_t kProof = 16;
constexpr std::size_t kLeastBlob = 28;  // NTLMv2_CLIENT_CHALLENGE without its pairs, section 2.2.2.7

std::vector<std::uint8_t> wide(const std::string& text) {
  std::vector<std::uint8_t> out;
  for (const char c : text) put(out, static_cast<std::uint8_t>(c), 2);
  return out;
}

std::string narrow(Bytes bytes, bool is_wide) {
  std::string text;
  const std::size_t width = is_wide ? 2 : 1;
  for (std::size_t i = 0; i + width <= bytes.size(); i += width) {
    const auto value = little(bytes, i, width);
    text += value >= 0x20 && value < 0x7f ? static_cast<char>(value) : '?';
  }
  return text;
}

NtHash first16(const HashValue& value) {
  NtHash out{};
  std::copy_n(value.bytes.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

Result<NtlmMessage> ntlm_message(Bytes message) {
  if (message.size() < 12 || text_of(message.first(8)) != signature) return Complaint{"not a message of NTLM"};
  const auto type = little(message, 8, 4);
  if (type < 1 || type > 3) return Complaint{"a message of NTLM of no known type"};
  return static_cast<NtlmMessage>(type);
}

std::vector<std::uint8_t> ntlm_challenge(const NtlmChallenge& challenge, const std::string& domain,
                                         const std::string& server) {
  const auto target = wide(domain);
  std::vector<std::uint8_t> info;
  for (const auto& [id, name] : {std::pair{domain_name, domain}, {server_name, server}}) {
    const auto value = wide(name);
    put(info, id, 2);
    put(info, value.size(), 2);
    info.insert(info.end(), value.begin(), value.end());
  }
  put(info, end_of_list, 2);
  put(info, 0, 2);

  constexpr std::size_t head = 56;  // section 2.2.1.2, with a version
  std::vector<std::uint8_t> out(signature.begin(), signature.end());
  put(out, static_cast<std::uint32_t>(NtlmMessage::challenge), 4);
  put_field(out, target.size(), head);
  put(out,
      unicode | request_target | session_ntlm | always_sign | target_is_domain | extended_security | target_info | keys,
      4);
  out.insert(out.end(), challenge.begin(), challenge.end());
  out.insert(out.end(), 8, 0);
  put_field(out, info.size(), head + target.size());
  out.insert(out.end(), 8, 0);
  out.insert(out.end(), target.begin(), target.end());
  out.insert(out.end(), info.begin(), info.end());
  return out;
}

Result<NtlmAuthenticate> parse_ntlm_authenticate(Bytes message) {
  const auto type = ntlm_message(message);
  if (!type) return Complaint{type.complaint()};
  if (*type != NtlmMessage::authenticate) return Complaint{"not the third message of NTLM"};
  if (message.size() < 64) return Complaint{"the third message of NTLM, cut short"};
  const auto response = field(message, 20);
  const auto domain = field(message, 28);
  const auto user = field(message, 36);
  if (!response || !domain || !user) return Complaint{"a field of NTLM that lies outside of its message"};
  const bool is_wide = (little(message, 60, 4) & unicode) != 0;
  return NtlmAuthenticate{narrow(*user, is_wide), narrow(*domain, is_wide), {response->begin(), response->end()}};
}

NtHash nt_hash(const std::string& password) {
  const auto bytes = wide(password);
  return md4(text_of(bytes));
}

NtHash ntlmv2_key(const NtHash& hash, const std::string& user, const std::string& domain) {
  std::string upper = user;
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return first16(hmac(Hash::md5, hash, {wide(upper + domain)}));
}

bool verify_ntlmv2(const NtHash& key, const NtlmChallenge& challenge, Bytes response) {
  if (response.size() < kProof + kLeastBlob) return false;
  const auto blob = response.subspan(kProof);
  if (blob[0] != 1 || blob[1] != 1) return false;
  return equal_in_constant_time(hmac(Hash::md5, key, {challenge, blob}).view(), response.first(kProof));
}

}  // namespace crypelab::wire
