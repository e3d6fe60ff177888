#include "harness/model/describe.h"

#include "harness/base/overloaded.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::model {
namespace {

std::string_view word(Unreachable with) {
  switch (with) {
    case Unreachable::admin_prohibited:
      return "admin-prohibited";
    case Unreachable::port:
      return "port";
    case Unreachable::host:
      return "host";
    case Unreachable::network:
      return "network";
  }
  return "";
}

std::string_view first_bytes_word(FirstBytes::Inside inside) {
  switch (inside) {
    case FirstBytes::Inside::tls:
      return "tls-only";
    case FirstBytes::Inside::http:
      return "http-only";
    case FirstBytes::Inside::web:
      return "web-only";
  }
  return "";
}

std::string join(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ", ")); }

std::string match_text(const Match& match, std::vector<std::string> fields) {
  if (match.protocol != Protocol::any) fields.push_back("protocol: " + describe(match.protocol));
  std::vector<std::string> list;
  for (const auto& range : match.ports) {
    list.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                             : fmt::format("{}-{}", range.first, range.last));
  }
  if (!list.empty()) fields.push_back("ports: [" + join(list) + "]");
  list.clear();
  for (const auto& prefix : match.to) list.push_back(to_string(prefix));
  if (!list.empty()) fields.push_back("to: [" + join(list) + "]");
  if (!match.domains.empty()) fields.push_back("domains: [" + join(match.domains) + "]");
  if (match.payload == Payload::stun) fields.emplace_back("payload: stun");
  return fields.empty() ? "{}" : "{ " + join(fields) + " }";
}

}  // namespace

std::string describe(Dependence dependence) {
  switch (dependence) {
    case Dependence::endpoint_independent:
      return "endpoint-independent";
    case Dependence::address:
      return "address";
    case Dependence::address_and_port:
      return "address-and-port";
  }
  return "";
}

std::string describe(Protocol protocol) {
  switch (protocol) {
    case Protocol::any:
      return "any";
    case Protocol::udp:
      return "udp";
    case Protocol::tcp:
      return "tcp";
    case Protocol::icmp:
      return "icmp";
  }
  return "";
}

std::string describe(const Nat& nat) {
  std::string text = fmt::format("nat: mapping {}, filtering {}", describe(nat.mapping), describe(nat.filtering));
  if (nat.hairpin) text += ", hairpin";
  if (nat.ports == PortAssignment::random) text += ", ports random";
  if (nat.ports == PortAssignment::sequential) text += ", ports sequential";
  if (nat.udp_timer != Nat{}.udp_timer) text += ", udp-timer " + to_string(nat.udp_timer);
  if (nat.tcp_timer != Nat{}.tcp_timer) text += ", tcp-timer " + to_string(nat.tcp_timer);
  if (nat.rebind) text += ", rebinds every " + to_string(*nat.rebind);
  return text;
}

std::string describe(const Loss& loss) {
  return std::visit(
      Overloaded{
          [](std::monostate) { return std::string(); },
          [](const RandomLoss& random) { return to_string(random.share); },
          [](const BurstLoss& burst) {
            return fmt::format("{} in bursts of {}", to_string(burst.share), burst.mean_length);
          },
          [](const PacketListLoss& list) { return fmt::format("packets {}", fmt::join(list.packets, ", ")); },
      },
      loss);
}

std::string describe(const Direction& direction) {
  std::vector<std::string> parts;
  if (direction.delay.count() > 0) parts.push_back(to_string(direction.delay));
  if (direction.jitter.count() > 0) parts.push_back("jitter " + to_string(direction.jitter));
  if (direction.rate) parts.push_back(to_string(*direction.rate));
  const std::string loss = describe(direction.loss);
  if (!loss.empty()) parts.push_back("loss " + loss);
  return join(parts);
}

std::string describe(const EgressRule& rule) {
  std::string word;
  std::vector<std::string> fields;
  std::visit(Overloaded{
                 [&](const Allow&) { word = "allow"; },
                 [&](const Drop&) { word = "drop"; },
                 [&](const Reject& reject) {
                   word = "reject";
                   fields.push_back(fmt::format("with: {}", crypelab::model::word(reject.with)));
                 },
                 [&](const Reset&) { word = "reset"; },
                 [&](const AcceptThenDrop& then) {
                   word = "accept-then-drop";
                   if (then.bytes) fields.push_back("after: " + to_string(*then.bytes));
                   if (then.time) fields.push_back("after: " + to_string(*then.time));
                 },
                 [&](const Police& police) {
                   word = "police";
                   fields.push_back("rate: " + to_string(police.rate));
                 },
                 [&](const Lose& lose) {
                   word = "lose";
                   fields.push_back("loss: " + describe(lose.loss));
                 },
                 [&](const FirstBytes& first) {
                   word = first_bytes_word(first.inside);
                   if (!first.sni.empty()) {
                     fields.push_back("sni: [" + join(first.sni) + "]");
                   } else if (first.sni_required) {
                     fields.emplace_back("sni: required");
                   }
                   if (!first.alpn.empty()) fields.push_back("alpn: [" + join(first.alpn) + "]");
                   fields.emplace_back(first.otherwise == FirstBytes::Otherwise::reset ? "otherwise: reset"
                                                                                       : "otherwise: drop");
                   if (first.after) fields.push_back("after: " + to_string(*first.after));
                 },
             },
             rule.action);
  return word + " " + match_text(rule.match, std::move(fields));
}

std::string describe(const Dns& dns) {
  std::vector<std::string> parts;
  if (dns.answers == Answers::internal_only) parts.emplace_back("internal-only");
  if (dns.answers == Answers::servfail) parts.emplace_back("servfail");
  if (dns.delay.count() > 0) parts.push_back("answers after " + to_string(dns.delay));
  if (dns.aaaa == Aaaa::servfail) parts.emplace_back("aaaa servfail");
  if (dns.aaaa == Aaaa::silent) parts.emplace_back("aaaa silent");
  if (dns.aaaa == Aaaa::nxdomain) parts.emplace_back("aaaa nxdomain");
  return join(parts);
}

std::string describe(const Match& match) { return match_text(match, {}); }

std::string describe(Tier tier) {
  switch (tier) {
    case Tier::quick:
      return "quick";
    case Tier::nightly:
      return "nightly";
    case Tier::soak:
      return "soak";
  }
  return "";
}

}  // namespace crypelab::model
