#pragma once

#include "harness/base/address.h"
#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// DNS messages (RFC 1035 section 4), as much as asking for addresses needs: one question out, its answer in.
namespace crypelab::wire {

enum class DnsType : std::uint16_t { a = 1, cname = 5, aaaa = 28 };
// RFC 1035 section 4.1.1; other values occur and are kept.
enum class DnsCode : std::uint8_t { no_error = 0, format_error = 1, server_failure = 2, name_error = 3, refused = 5 };

// A question of class IN with recursion desired. Complains about a name that DNS cannot carry (labels of 1 to 63 bytes,
// 253 in all; a final dot is allowed).
Result<std::vector<std::uint8_t>> encode_dns_question(std::uint16_t id, std::string_view name, DnsType type);

struct DnsAnswer {
  std::uint16_t id = 0;
  DnsCode code = DnsCode::no_error;
  bool truncated = false;
  std::string name;  // of the question, in lower case, without the final dot
  DnsType type = DnsType::a;
  std::vector<Address> addresses;  // A and AAAA records of the answer section, of the type asked for
};

// A whole datagram. Complains when it is no answer to exactly one question, or when a name or record leads outside of
// it; at most 256 records are looked at. Which names the records belong to is not checked: the resolver is trusted.
Result<DnsAnswer> parse_dns_answer(Bytes datagram);

// What a client asked. Types that the enumeration does not name occur and are kept.
struct DnsQuestion {
  std::uint16_t id = 0;
  std::string name;  // in lower case, without the final dot; bytes as they came
  DnsType type = DnsType::a;
  std::size_t size = 0;  // of header and question together; what follows are other sections
  bool operator==(const DnsQuestion&) const = default;
};

// A whole message. Complains when it is not a standard query with exactly one question.
Result<DnsQuestion> parse_dns_question(Bytes message);

// The answer without records that refuses `message`, which holds `question`: opcode, "recursion desired" and question
// repeated, "recursion available" set.
std::vector<std::uint8_t> encode_dns_refusal(Bytes message, const DnsQuestion& question, DnsCode code);

// The translation prefix in which an AAAA record of ipv4only.arpa was made (RFC 7050 section 3, RFC 6052 section 2.2).
std::optional<Prefix> nat64_prefix(const Address& synthesized);

}  // namespace crypelab::wire
