#pragma once

#include "harness/base/address.h"
#include "harness/base/units.h"
#include "harness/wire/dns.h"

#include <optional>
#include <string>
#include <vector>

// What a resolver that misbehaves on request does with a question. Pure.
namespace crypelab::faults {

enum class DnsFate { forward, servfail, nxdomain, silent };

struct DnsSettings {
  std::vector<Endpoint> listen;
  Endpoint upstream;                             // that answers what is forwarded
  Duration delay{0};                             // before every answer, a refusal too
  DnsFate every = DnsFate::forward;              // of every question
  std::optional<DnsFate> aaaa;                   // of AAAA questions, when `every` forwards
  Duration patience = std::chrono::seconds(10);  // with the upstream
};

// From "--listen ADDRESS:PORT" (again and again), "--upstream ADDRESS:PORT", "--delay 5s", "--answers WORD",
// "--aaaa WORD", where a word is servfail, nxdomain or silent. Throws Failure{usage}.
DnsSettings parse_dns_settings(const std::vector<std::string>& arguments);

// "forward", "servfail", "nxdomain", "silent"
std::string_view word(DnsFate fate);

DnsFate fate_of(const DnsSettings& settings, const wire::DnsQuestion& question);

// The bytes that refuse `message`; empty for a fate that sends none of its own.
std::vector<std::uint8_t> refusal(wire::Bytes message, const wire::DnsQuestion& question, DnsFate fate);

// A name as a log may hold it: what is no letter, digit, "-", "_" or "." becomes "?", and the root is ".".
std::string printable_name(std::string_view name);

}  // namespace crypelab::faults
