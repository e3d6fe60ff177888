#include "harness/wire/ntlm.h"

#include "harness/base/md4.h"
#include "harness/wire/digest.h"

#include <algorithm>
#include <optional>

namespace crypelab::wire {
namespace {

constexpr std::string_view kSignature("NTLMSSP\0", 8);

// Section 2.2.2.5.
constexpr std::uint32_t kUnicode = 0x00000001;
constexpr std::uint32_t kRequestTarget = 0x00000004;
constexpr std::uint32_t kNtlm = 0x00000200;
constexpr std::uint32_t kAlwaysSign = 0x00008000;
constexpr std::uint32_t kTargetIsDomain = 0x00010000;
constexpr std::uint32_t kExtendedSecurity = 0x00080000;
constexpr std::uint32_t kTargetInfo = 0x00800000;
constexpr std::uint32_t kKeys = 0xa0000000;  // 56 and 128 bits

// Section 2.2.2.1: what stands in the target information.
constexpr std::uint16_t kEnd = 0;
constexpr std::uint16_t kServerName = 1;
constexpr std::uint16_t kDomainName = 2;

constexpr std::size_t kProof = 16;
constexpr std::size_t kLeastBlob = 28;  // NTLMv2_CLIENT_CHALLENGE without its pairs, section 2.2.2.7

// Everything of NTLM is little-endian.
std::uint32_t little(Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[offset + i];
  return value;
}

void put(std::vector<std::uint8_t>& out, std::uint32_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::vector<std::uint8_t> wide(const std::string& text) {
  std::vector<std::uint8_t> out;
  for (const char c : text) put(out, static_cast<std::uint8_t>(c), 2);
  return out;
}

void put_fields(std::vector<std::uint8_t>& out, std::size_t size, std::size_t offset) {
  put(out, static_cast<std::uint32_t>(size), 2);
  put(out, static_cast<std::uint32_t>(size), 2);
  put(out, static_cast<std::uint32_t>(offset), 4);
}

// Length, room, offset (section 2.2.1.3); nothing when it does not lie in the message.
std::optional<Bytes> payload(Bytes message, std::size_t at) {
  if (message.size() < at + 8) return std::nullopt;
  const std::size_t size = little(message, at, 2);
  const std::size_t offset = little(message, at + 4, 4);
  if (size == 0) return Bytes();
  if (offset > message.size() || size > message.size() - offset) return std::nullopt;
  return message.subspan(offset, size);
}

std::string narrow(Bytes bytes, bool unicode) {
  std::string text;
  const std::size_t width = unicode ? 2 : 1;
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
  if (message.size() < 12 || text_of(message.first(8)) != kSignature) return Complaint{"not a message of NTLM"};
  const auto type = little(message, 8, 4);
  if (type < 1 || type > 3) return Complaint{"a message of NTLM of no known type"};
  return static_cast<NtlmMessage>(type);
}

std::vector<std::uint8_t> ntlm_challenge(const NtlmChallenge& challenge, const std::string& domain,
                                         const std::string& server) {
  const auto target = wide(domain);
  std::vector<std::uint8_t> info;
  for (const auto& [id, name] : {std::pair{kDomainName, domain}, {kServerName, server}}) {
    const auto value = wide(name);
    put(info, id, 2);
    put(info, static_cast<std::uint32_t>(value.size()), 2);
    info.insert(info.end(), value.begin(), value.end());
  }
  put(info, kEnd, 2);
  put(info, 0, 2);

  constexpr std::size_t head = 56;  // section 2.2.1.2, with a version
  std::vector<std::uint8_t> out(kSignature.begin(), kSignature.end());
  put(out, static_cast<std::uint32_t>(NtlmMessage::challenge), 4);
  put_fields(out, target.size(), head);
  put(out, kUnicode | kRequestTarget | kNtlm | kAlwaysSign | kTargetIsDomain | kExtendedSecurity | kTargetInfo | kKeys,
      4);
  out.insert(out.end(), challenge.begin(), challenge.end());
  out.insert(out.end(), 8, 0);
  put_fields(out, info.size(), head + target.size());
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
  const auto response = payload(message, 20);
  const auto domain = payload(message, 28);
  const auto user = payload(message, 36);
  if (!response || !domain || !user) return Complaint{"a field of NTLM that lies outside of its message"};
  const bool unicode = (little(message, 60, 4) & kUnicode) != 0;
  return NtlmAuthenticate{narrow(*user, unicode), narrow(*domain, unicode), {response->begin(), response->end()}};
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
