#include "harness/probe/resolve_dialogue.h"

#include "harness/wire/dns.h"

#include <algorithm>
#include <cctype>

namespace crypelab::probe {
namespace {

using measure::DnsOutcome;

wire::DnsType type_of(measure::RecordType type) {
  return type == measure::RecordType::a ? wire::DnsType::a : wire::DnsType::aaaa;
}

DnsOutcome outcome_of(const wire::DnsAnswer& answer) {
  switch (answer.code) {
    case wire::DnsCode::no_error:
      return answer.addresses.empty() ? DnsOutcome::empty : DnsOutcome::addresses;
    case wire::DnsCode::name_error:
      return DnsOutcome::nxdomain;
    case wire::DnsCode::server_failure:
      return DnsOutcome::servfail;
    case wire::DnsCode::refused:
      return DnsOutcome::refused;
    default:
      return DnsOutcome::other;
  }
}

std::string normal(std::string name) {
  if (!name.empty() && name.back() == '.') name.pop_back();
  std::ranges::transform(name, name.begin(), [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return name;
}

}  // namespace

ResolveDialogue::ResolveDialogue(const measure::Resolve& ask, const Endpoint& server, std::uint64_t seed)
    : ask_(ask), server_(server), id_(static_cast<std::uint16_t>(seed)) {
  auto question = wire::encode_dns_question(id_, ask.name, type_of(ask.type));
  if (question) question_ = std::move(*question);
}

void ResolveDialogue::wake(Time now) {
  if (question_.empty()) {
    found_.outcome = DnsOutcome::malformed;
    done_ = true;
  } else {
    send(0, server_, question_);
  }
  retry_.sent(now);
}

void ResolveDialogue::receive(unsigned /*socket*/, const Endpoint& from, wire::Bytes bytes, Time /*now*/) {
  if (from != server_ || bytes.size() < 2 || wire::load<std::uint16_t>(bytes, 0) != id_) return;
  const auto answer = wire::parse_dns_answer(bytes);
  if (!answer) {
    found_.outcome = DnsOutcome::malformed;
  } else if (answer->name != normal(ask_.name) || answer->type != type_of(ask_.type)) {
    return;  // to somebody else's question
  } else {
    found_.outcome = outcome_of(*answer);
    found_.addresses = answer->addresses;
    if (answer->name == "ipv4only.arpa" && !answer->addresses.empty()) {
      found_.nat64 = wire::nat64_prefix(answer->addresses.front());
    }
  }
  done_ = true;
}

void ResolveDialogue::unreached(unsigned /*socket*/, const Unreached& error, Time /*now*/) {
  if (error.too_big) return;
  found_.outcome = DnsOutcome::unreachable;
  done_ = true;
}

}  // namespace crypelab::probe
