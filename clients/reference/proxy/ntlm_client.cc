#include "clients/reference/proxy/ntlm_client.h"

#include "harness/base/md4.h"
#include "harness/wire/digest.h"
#include "harness/wire/ntlm_layout.h"

#include <algorithm>
#include <array>
#include <optional>

namespace crypelab::client::proxy {
namespace {

using Octets = std::vector<std::uint8_t>;

namespace layout = wire::ntlm;
using layout::field;
using layout::little;
using layout::put;

constexpr std::uint32_t flags = layout::unicode | layout::request_target | layout::session_ntlm | layout::always_sign |
                                layout::extended_security | layout::keys;

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

std::optional<wire::Bytes> server_time(wire::Bytes info) {
  while (info.size() >= 4) {
    const auto id = little(info, 0, 2);
    const std::size_t size = little(info, 2, 2);
    if (id == layout::end_of_list || info.size() < 4 + size) break;
    if (id == layout::time_stamp && size == 8) return info.subspan(4, 8);
    info = info.subspan(4 + size);
  }
  return std::nullopt;
}

Octets begin(std::uint32_t type) {
  Octets out(layout::signature.begin(), layout::signature.end());
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
  if (challenge.size() < 32 || wire::text_of(challenge.first(8)) != layout::signature || little(challenge, 8, 4) != 2) {
    return Complaint{"the proxy's NTLM message is no challenge"};
  }
  const bool has_info = (little(challenge, 20, 4) & layout::target_info) != 0;
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
    layout::put_field(out, part->size(), at);
    at += part->size();
  }
  layout::put_field(out, 0, at);  // no session key
  put(out, flags | (has_info ? layout::target_info : 0), 4);
  for (const Octets* part : std::initializer_list<const Octets*>{&lm, &response, &domain, &user_name, &machine}) {
    out.insert(out.end(), part->begin(), part->end());
  }
  if (out.size() > 60'000) return Complaint{"the proxy's NTLM challenge is too large to answer"};
  return out;
}

}  // namespace crypelab::client::proxy
