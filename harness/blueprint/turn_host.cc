#include "harness/blueprint/turn_host.h"

#include "harness/services/coturn.h"

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

constexpr const char* kHello = "tls_hello";
constexpr const char* kPlain = "tls_plain";
constexpr const char* kSilent = "silent";

const char* family(const Address& address) { return address.is_v4() ? "ip" : "ip6"; }

}  // namespace

// Only connections to the TLS address are tracked: relayed packets pay nothing. Of a tracked one the first segment with
// data decides, however small it is; what the mark says holds for the rest. @ih begins where the TCP payload does, and
// a rule that reads beyond the end of the packet does not match: segments without data pass.
RuleTable turn_table(const std::string& host, const model::TurnServer& server) {
  RuleTable table;
  if (server.state == model::ServerState::silent) {
    table.counters = {kSilent};
    table.chains.push_back({"input",
                            "type filter hook input priority filter; policy accept;",
                            {"iif lo accept", fmt::format("counter name {} drop", kSilent)}});
    return table;
  }
  table.counters = {kHello, kPlain};
  RuleChain early{"early", "type filter hook prerouting priority raw; policy accept;", {"iif lo notrack accept"}};
  RuleChain late{"late", "type filter hook output priority raw; policy accept;", {"oif lo notrack accept"}};
  RuleChain input{"input", "type filter hook input priority filter; policy accept;", {"iif lo accept"}};
  for (const auto& address : services::turn_addresses(host).tls) {
    const auto to = fmt::format("{} daddr {}", family(address), to_string(address));
    early.rules.push_back(fmt::format("{} meta l4proto tcp accept", to));
    late.rules.push_back(fmt::format("{} saddr {} meta l4proto tcp accept", family(address), to_string(address)));
    input.rules.push_back(fmt::format("{} tcp dport {{ 443, 5349 }} ct mark != 1 jump first_bytes", to));
    input.rules.push_back(fmt::format("{} meta l4proto udp reject", to));
  }
  early.rules.emplace_back("notrack");
  late.rules.emplace_back("notrack");
  // RFC 8446 section 5.1: a record begins with its type, and handshake is 22.
  const RuleChain first_bytes{
      "first_bytes",
      "",
      {fmt::format("@ih,0,8 22 counter name {} ct mark set 1 accept", kHello),
       fmt::format("@ih,0,8 != 22 counter name {} meta l4proto tcp reject with tcp reset", kPlain)}};
  table.chains = {first_bytes, std::move(early), std::move(late), std::move(input)};
  return table;
}

std::vector<Counter> turn_counters(const std::string& host, const model::TurnServer& server) {
  if (server.state == model::ServerState::silent) {
    return {{host, kSilent, fmt::format("{}: black-holed by the scenario", host), 0}};
  }
  return {{host, kHello, fmt::format("{}: connections to a TLS port that began with TLS", host), 0},
          {host, kPlain, fmt::format("{}: connections to a TLS port that did not begin with TLS, reset", host), 0}};
}

}  // namespace crypelab::blueprint
