#include "harness/wire/dns.h"

#include <algorithm>
#include <array>

namespace crypelab::wire {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kLongestName = 253;
constexpr unsigned kMostRecords = 256;

// Reads a name at `at`, which moves behind it (RFC 1035 section 4.1.4). Pointers must lead backwards, so that every
// walk ends.
bool read_name(Bytes bytes, std::size_t& at, std::string* name) {
  std::size_t from = at;
  std::size_t floor = at;  // the next pointer must lead below it
  bool jumped = false;
  std::size_t length = 0;
  while (true) {
    if (from >= bytes.size()) return false;
    const std::size_t size = bytes[from];
    if (size >= 0xC0) {
      if (from + 1 >= bytes.size()) return false;
      const std::size_t target = (size & 0x3F) << 8 | bytes[from + 1];
      if (!jumped) at = from + 2;
      jumped = true;
      if (target < kHeader || target >= floor) return false;  // no name stands in the header
      floor = from = target;
      continue;
    }
    if (size > 63 || from + 1 + size > bytes.size()) return false;
    if (size == 0) break;
    length += size + 1;
    if (length > kLongestName + 1) return false;
    if (name != nullptr) {
      if (!name->empty()) name->push_back('.');
      for (std::size_t i = 0; i < size; ++i) {
        const auto byte = bytes[from + 1 + i];
        name->push_back(static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte));
      }
    }
    from += 1 + size;
  }
  if (!jumped) at = from + 1;
  return true;
}

std::optional<Address> address_of(Bytes data, DnsType type) {
  if (type == DnsType::a && data.size() == 4) return Address::v4(load<std::uint32_t>(data, 0));
  if (type == DnsType::aaaa && data.size() == 16) {
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(data, bytes.begin());
    return Address::v6(bytes);
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_dns_question(std::uint16_t id, std::string_view name, DnsType type) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  const Complaint wrong{"'" + std::string(name.substr(0, 300)) + "' is not a name that DNS can carry"};
  if (name.empty() || name.size() > kLongestName) return wrong;
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(id >> 8),
                                  static_cast<std::uint8_t>(id & 0xff),
                                  1,  // recursion desired
                                  0,
                                  0,
                                  1,
                                  0,
                                  0,
                                  0,
                                  0,
                                  0,
                                  0};
  while (true) {
    const auto label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > 63) return wrong;
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    for (const char character : label) bytes.push_back(static_cast<std::uint8_t>(character));
    if (label.size() == name.size()) break;
    name.remove_prefix(label.size() + 1);
  }
  bytes.push_back(0);
  bytes.push_back(0);
  bytes.push_back(static_cast<std::uint8_t>(type));
  bytes.push_back(0);
  bytes.push_back(1);
  return bytes;
}

Result<DnsAnswer> parse_dns_answer(Bytes datagram) {
  if (datagram.size() < kHeader) return Complaint{"shorter than a DNS header"};
  const auto flags = load<std::uint16_t>(datagram, 2);
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0) return Complaint{"not an answer to a standard query"};
  if (load<std::uint16_t>(datagram, 4) != 1) return Complaint{"does not repeat exactly one question"};
  DnsAnswer answer;
  answer.id = load<std::uint16_t>(datagram, 0);
  answer.code = static_cast<DnsCode>(flags & 0xF);
  answer.truncated = (flags & 0x0200) != 0;
  std::size_t at = kHeader;
  if (!read_name(datagram, at, &answer.name) || at + 4 > datagram.size()) return Complaint{"the question is broken"};
  answer.type = static_cast<DnsType>(load<std::uint16_t>(datagram, at));
  at += 4;
  const unsigned records = std::min<unsigned>(load<std::uint16_t>(datagram, 6), kMostRecords);
  for (unsigned i = 0; i < records; ++i) {
    if (!read_name(datagram, at, nullptr) || at + 10 > datagram.size()) return Complaint{"a record is broken"};
    const auto type = static_cast<DnsType>(load<std::uint16_t>(datagram, at));
    const bool internet = load<std::uint16_t>(datagram, at + 2) == 1;
    const std::size_t size = load<std::uint16_t>(datagram, at + 8);
    at += 10;
    if (size > datagram.size() - at) return Complaint{"a record leads outside of the message"};
    if (internet && type == answer.type) {
      if (const auto address = address_of(datagram.subspan(at, size), type)) answer.addresses.push_back(*address);
    }
    at += size;
  }
  return answer;
}

Result<DnsQuestion> parse_dns_question(Bytes message) {
  if (message.size() < kHeader) return Complaint{"shorter than a DNS header"};
  if ((load<std::uint16_t>(message, 2) & 0xF800) != 0) return Complaint{"not a standard query"};
  if (load<std::uint16_t>(message, 4) != 1) return Complaint{"does not ask exactly one question"};
  DnsQuestion question;
  question.id = load<std::uint16_t>(message, 0);
  std::size_t at = kHeader;
  if (!read_name(message, at, &question.name) || at + 4 > message.size()) return Complaint{"the question is broken"};
  question.type = static_cast<DnsType>(load<std::uint16_t>(message, at));
  question.size = at + 4;
  return question;
}

std::vector<std::uint8_t> encode_dns_refusal(Bytes message, const DnsQuestion& question, DnsCode code) {
  std::vector<std::uint8_t> bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(question.size));
  const auto desired = load<std::uint16_t>(message, 2) & 0x0100;
  store<std::uint16_t>(bytes, 2, static_cast<std::uint16_t>(0x8080 | desired | static_cast<unsigned>(code)));
  for (const std::size_t count : {6, 8, 10}) store<std::uint16_t>(bytes, count, 0);
  return bytes;
}

std::optional<Prefix> nat64_prefix(const Address& synthesized) {
  if (!synthesized.is_v6()) return std::nullopt;
  const auto& bytes = synthesized.bytes();
  // Where the four bytes stand for each prefix length; byte 8 is skipped (RFC 6052 section 2.2).
  for (const unsigned length : {96u, 64u, 56u, 48u, 40u, 32u}) {
    std::array<std::uint8_t, 4> embedded{};
    std::size_t at = length / 8;
    for (auto& byte : embedded) {
      if (at == 8 && length != 96) ++at;
      byte = bytes[at++];
    }
    const bool known =
        embedded[0] == 192 && embedded[1] == 0 && embedded[2] == 0 && (embedded[3] == 170 || embedded[3] == 171);
    if (known) return Prefix{Prefix{synthesized, length}.network(), length};
  }
  return std::nullopt;
}

}  // namespace crypelab::wire
