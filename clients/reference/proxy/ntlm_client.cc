#include "clients/reference/proxy/ntlm_client.h"

#include "harness/base/md4.h"
#include "harness/wire/digest.h"

#include <algorithm>
#include <array>
#include <optional>

namespace crypelab::client::proxy {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::string_view signature("NTLMSSP\0", 8);

// Section 2.2.2.5.
constexpr std::uint32_t unicode = 0x00000001;
constexpr std::uint32_t request_target = 0x00000004;
constexpr std::uint32_t ntlm = 0x00000200;
constexpr std::uint32_t always_sign = 0x00008000;
constexpr std::uint32_t extended_security = 0x00080000;
constexpr std::uint32_t keys = 0xa0000000;
constexpr std::uint32_t flags = unicode | request_target | ntlm | always_sign | extended_security | keys;
constexpr std::uint32_t target_info_present = 0x00800000;

constexpr std::uint16_t time_stamp = 7;  // section 2.2.2.1

std::uint32_t little(wire::Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[offset + i];
  return value;
}

void put(Octets& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// UTF-8 as UTF-16LE; what is no UTF-8 becomes the replacement character. `raise`: letters of ASCII and Latin-1 in upper
// case, as section 3.3.2 wants user names.
Octets wide(std::string_view text, bool raise = false) {
  Octets out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    std::uint32_t point = 0xfffd;
    std::size_t used = 1;
    if (length != 0 && i + length <= text.size()) {
      point = length == 1 ? lead : lead & (0x7fu >> length);
      for (used = 1; used < length; ++used) {
        const auto next = static_cast<std::uint8_t>(text[i + used]);
        if (next >> 6 != 2) {
          point = 0xfffd;
          break;
        }
        point = point << 6 | (next & 0x3f);
      }
    }
    i += used;
    const bool small = (point >= 'a' && point <= 'z') || (point >= 0xe0 && point <= 0xfe && point != 0xf7);
    if (raise && small) point -= 32;
    if (point >= 0x10000) {
      put(out, 0xd800 + ((point - 0x10000) >> 10), 2);
      put(out, 0xdc00 + ((point - 0x10000) & 0x3ff), 2);
    } else {
      put(out, point, 2);
    }
  }
  return out;
}

std::optional<wire::Bytes> field(wire::Bytes message, std::size_t at) {
  if (message.size() < at + 8) return std::nullopt;
  const std::size_t size = little(message, at, 2);
  const std::size_t offset = little(message, at + 4, 4);
  if (size == 0) return wire::Bytes();
  if (offset > message.size() || size > message.size() - offset) return std::nullopt;
  return message.subspan(offset, size);
}

std::optional<wire::Bytes> server_time(wire::Bytes info) {
  while (info.size() >= 4) {
    const auto id = little(info, 0, 2);
    const std::size_t size = little(info, 2, 2);
    if (id == 0 || info.size() < 4 + size) break;
    if (id == time_stamp && size == 8) return info.subspan(4, 8);
    info = info.subspan(4 + size);
  }
  return std::nullopt;
}

Octets begin(std::uint32_t type) {
  Octets out(signature.begin(), signature.end());
  put(out, type, 4);
  return out;
}

}  // namespace

std::vector<std::uint8_t> ntlm_negotiate() {
  auto out = begin(1);
  put(out, flags, 4);
  out.resize(32);  // no domain, no workstation
  return out;
}

Result<std::vector<std::uint8_t>> ntlm_authenticate(wire::Bytes challenge, const std::string& user,
                                                    const std::string& password, std::uint64_t file_time,
                                                    Random& random) {
  if (challenge.size() < 32 || wire::text_of(challenge.first(8)) != signature || little(challenge, 8, 4) != 2) {
    return Complaint{"the proxy's NTLM message is no challenge"};
  }
  const bool has_info = (little(challenge, 20, 4) & target_info_present) != 0;
  const auto target = field(challenge, 12);
  const auto info = has_info ? field(challenge, 40) : std::optional(wire::Bytes());
  if (!target || !info) return Complaint{"the proxy's NTLM challenge points outside of itself"};

  const auto slash = user.find('\\');
  const auto name = slash == std::string::npos ? user : user.substr(slash + 1);
  const auto domain = slash == std::string::npos ? Octets(target->begin(), target->end()) : wide(user.substr(0, slash));

  // Section 3.3.2: NTOWFv2, then the proof over the server's challenge and the client's.
  const auto secret = md4(wire::text_of(wide(password)));
  const auto key = wire::hmac(wire::Hash::md5, secret, {wide(name, true), domain});
  Octets blob{1, 1, 0, 0, 0, 0, 0, 0};
  if (const auto told = server_time(*info)) {
    blob.insert(blob.end(), told->begin(), told->end());
  } else {
    put(blob, file_time, 8);
  }
  const auto nonce = random.bytes<8>();
  blob.insert(blob.end(), nonce.begin(), nonce.end());
  put(blob, 0, 4);
  blob.insert(blob.end(), info->begin(), info->end());
  put(blob, 0, 4);
  const auto proof = wire::hmac(wire::Hash::md5, key.view(), {challenge.subspan(24, 8), blob});

  Octets response(proof.view().begin(), proof.view().end());
  response.insert(response.end(), blob.begin(), blob.end());
  const Octets lm(24);  // section 3.1.5.1.2: zeros beside NTLMv2
  const auto user_name = wide(name);
  const auto machine = wide("CRYPE");

  constexpr std::size_t head = 64;
  auto out = begin(3);
  std::size_t at = head;
  for (const Octets* part : std::initializer_list<const Octets*>{&lm, &response, &domain, &user_name, &machine}) {
    put(out, part->size(), 2);
    put(out, part->size(), 2);
    put(out, at, 4);
    at += part->size();
  }
  put(out, 0, 4);  // no session key
  put(out, at, 4);
  put(out, flags | (has_info ? target_info_present : 0), 4);
  for (const Octets* part : std::initializer_list<const Octets*>{&lm, &response, &domain, &user_name, &machine}) {
    out.insert(out.end(), part->begin(), part->end());
  }
  if (out.size() > 60'000) return Complaint{"the proxy's NTLM challenge is too large to answer"};
  return out;
}

}  // namespace crypelab::client::proxy
