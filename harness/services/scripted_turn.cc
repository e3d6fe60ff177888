#include "harness/services/scripted_turn.h"

#include "harness/services/coturn.h"
#include "harness/services/json_line.h"
#include "harness/services/milliseconds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::services {
namespace {

std::string endpoints(const std::vector<Address>& addresses, std::initializer_list<std::uint16_t> ports) {
  std::vector<std::string> all;
  for (const auto& address : addresses) {
    for (const auto port : ports) all.push_back(fmt::format("\"{}\"", to_string(Endpoint{address, port})));
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

const char* word(model::TurnOccasion occasion) {
  switch (occasion) {
    case model::TurnOccasion::any:
      return "any";
    case model::TurnOccasion::binding:
      return "binding";
    case model::TurnOccasion::allocate:
      return "allocate";
    case model::TurnOccasion::refresh:
      return "refresh";
    case model::TurnOccasion::remove:
      return "delete";
    case model::TurnOccasion::create_permission:
      return "create-permission";
    case model::TurnOccasion::channel_bind:
      return "channel-bind";
  }
  return "";
}

const char* word(model::TurnFault fault) {
  switch (fault) {
    case model::TurnFault::bad_integrity:
      return "bad_integrity";
    case model::TurnFault::no_integrity:
      return "no_integrity";
    case model::TurnFault::unknown_required:
      return "unknown_required";
    case model::TurnFault::unknown_optional:
      return "unknown_optional";
    case model::TurnFault::other_family:
      return "other_family";
    case model::TurnFault::uninvited_data:
      return "uninvited";
  }
  return "";
}

const char* word(model::TurnAlgorithms algorithms) {
  switch (algorithms) {
    case model::TurnAlgorithms::md5:
      return "md5";
    case model::TurnAlgorithms::sha256:
      return "sha-256";
    case model::TurnAlgorithms::bid_down:
      return "bid-down";
  }
  return "";
}

std::string json_of(const model::TurnRule& rule) {
  std::string text = fmt::format("{{\"on\": \"{}\", \"skip\": {}", word(rule.on), rule.skip);
  if (rule.times) text += fmt::format(", \"times\": {}", *rule.times);
  if (rule.error != 0) text += fmt::format(", \"error\": {}", rule.error);
  if (rule.silent) text += ", \"silent\": true";
  if (!rule.alternate.empty()) {
    const auto other = turn_addresses(rule.alternate);
    text += fmt::format(", \"alternate\": [{}], \"alternate_tls\": [{}]", endpoints(other.plain, {3478}),
                        endpoints(other.tls, {443}));
  }
  if (rule.lifetime)
    text += fmt::format(", \"lifetime\": {}", std::chrono::ceil<std::chrono::seconds>(*rule.lifetime).count());
  if (rule.delay > Duration(0)) text += fmt::format(", \"delay_ms\": {}", milliseconds(rule.delay));
  for (const auto fault : rule.faults) text += fmt::format(", \"{}\": true", word(fault));
  return text + "}";
}

}  // namespace

Process scripted_turn(const std::string& host, const model::TurnServer& settings, const model::TurnAccess& access,
                      const std::vector<std::string>& users) {
  const auto addresses = turn_addresses(host);
  const auto plain = endpoints(addresses.plain, {3478}) + ", " + endpoints(addresses.plain443, {443});
  std::vector<std::string> relays;
  for (const auto& address : addresses.plain) relays.push_back(fmt::format("\"{}\"", to_string(address)));
  std::string who;
  if (access.credentials == model::TurnCredentials::time_limited) {
    who = "\"secret\": \"{secret:turn}\"";
  } else {
    std::vector<std::string> passwords;
    for (const auto& user : users) passwords.push_back(fmt::format("\"{0}\": \"{{secret:turn-{0}}}\"", user));
    who = fmt::format("\"users\": {{{}}}", fmt::join(passwords, ", "));
  }
  std::vector<std::string> rules;
  for (const auto& rule : settings.script) rules.push_back(json_of(rule));
  Process process;
  process.name = host;
  process.host = host;
  process.argv = {"{bin}/crypelab-faults", "turn", "{dir}/turn.json"};
  process.files = {
      {"turn.json", fmt::format("{{\"udp\": [{0}],\n \"tcp\": [{0}],\n \"tls\": [{1}],\n"
                                " \"certificate\": \"{{dir}}/server.crt\", \"key\": \"{{dir}}/server.key\",\n"
                                " \"relays\": [{2}], \"realm\": \"crype.test\", {3},\n"
                                " \"algorithms\": \"{4}\", \"nonce_life_ms\": {5}, \"segment\": {6},\n"
                                " \"rules\": [{7}]}}\n",
                                plain, endpoints(addresses.tls, {443, 5349}), fmt::join(relays, ", "), who,
                                word(settings.algorithms), milliseconds(settings.nonce_life), settings.segment,
                                fmt::join(rules, ",\n    "))}};
  process.certificates = {turn_certificate(host, settings)};
  process.readiness = PrintsLine{R"("event":"ready")"};
  process.read_log = read_scripted_turn_log;
  return process;
}

std::vector<model::Event> read_scripted_turn_log(std::string_view line) {
  return read_json_line(line, model::Source::turn);
}

}  // namespace crypelab::services
