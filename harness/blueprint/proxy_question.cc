#include "harness/blueprint/proxy_question.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

constexpr const char* kNobody = "nobody.reflector.test";  // a name that no scenario and no server has

constexpr std::array kSchemes{"basic", "digest", "ntlm", "negotiate"};  // in the order of model::AuthScheme

// A host that its lists would let pass, or nothing where only addresses are listed.
std::string welcome_host(const model::Proxy& proxy) {
  if (proxy.allow.domains.empty()) return proxy.allow.prefixes.empty() ? kNobody : "";
  const auto& first = proxy.allow.domains.front();
  return first.starts_with("*.") ? "any" + first.substr(1) : first;
}

// A port that CONNECT is refused to, if there is one.
std::optional<std::uint16_t> closed_port(const model::Proxy& proxy) {
  if (proxy.connect_ports.empty()) return std::nullopt;
  for (std::uint16_t port = 1; port != 0; ++port) {
    const auto covers = [&](const model::PortRange& range) { return range.first <= port && port <= range.last; };
    if (std::ranges::none_of(proxy.connect_ports, covers)) return port;
  }
  return std::nullopt;
}

}  // namespace

std::vector<ProxyQuestion> proxy_questions(const SitePlan& plan) {
  std::vector<ProxyQuestion> questions;
  for (const auto& proxy : plan.site->proxies) {
    const auto* server = find_server(plan, server_host(plan.site->name, proxy.name));
    if (proxy.faults || proxy.lifetime || proxy.transparent || proxy.tls || server == nullptr) continue;
    const auto& address = server->address4 ? server->address4 : server->address6;
    if (!address) continue;
    ProxyQuestion question{proxy.name, {{address->address, proxy.port}, ""}, 0, {}};
    const auto port = proxy.connect_ports.empty() ? 443 : proxy.connect_ports.front().first;
    if (!proxy.auth.empty()) {
      const auto host = welcome_host(proxy);
      if (host.empty()) continue;
      question.ask.target = fmt::format("{}:{}", host, port);
      question.status = 407;
      for (const auto scheme : proxy.auth) question.schemes.emplace_back(kSchemes.at(static_cast<std::size_t>(scheme)));
    } else if (!proxy.allow.empty()) {
      question.ask.target = fmt::format("{}:{}", kNobody, port);
      question.status = 403;
    } else if (const auto closed = closed_port(proxy)) {
      question.ask.target = fmt::format("{}:{}", kNobody, *closed);
      question.status = 403;
    } else {
      // It asks a resolver, its own or the next proxy's, and what it says of a name that is not there is its own
      // affair.
      if (!proxy.via.empty() || proxy.inspect || plan.site->dns.answers != model::Answers::normal) continue;
      question.ask.target = fmt::format("{}:{}", kNobody, port);
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace crypelab::blueprint
