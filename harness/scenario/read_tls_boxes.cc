#include "harness/scenario/read_tls_boxes.h"

#include "harness/scenario/read_target.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostNames = 64;

std::vector<std::string> read_domains(const Node& node, std::string_view what, Problems& problems) {
  std::vector<std::string> domains;
  for (const Node* item : read_some(node, what, kMostNames, problems)) {
    if (auto domain = read_domain(*item, problems)) domains.push_back(std::move(*domain));
  }
  return domains;
}

bool touch(const std::vector<model::PortRange>& some, const std::vector<model::PortRange>& others) {
  return std::ranges::any_of(some, [&](const model::PortRange& one) {
    return std::ranges::any_of(
        others, [&](const model::PortRange& other) { return one.first <= other.last && other.first <= one.last; });
  });
}

std::vector<model::PortRange> taken_by_proxies(const model::Site& site) {
  std::vector<model::PortRange> ports;
  for (const auto& proxy : site.proxies) {
    if (!proxy.transparent) continue;
    ports.push_back({80, 80});
    if (proxy.inspect) ports.push_back({443, 443});
  }
  return ports;
}

}  // namespace

std::optional<model::TlsInspection> read_tls_inspection(const Node& node, Problems& problems) {
  const Mapping map(node, kTlsInspectionWords, "a TLS inspection", problems);
  if (!map.ok()) return std::nullopt;
  model::TlsInspection inspection;
  if (const Node* ports = map.find("ports")) {
    inspection.ports = read_port_list(*ports, problems);
  } else {
    inspection.ports = {{443, 443}};
  }
  if (const Node* authority = map.find("authority"))
    assign(inspection.trusted, read_word(*authority, "whether hosts trust it", kInspectionAuthorities, problems));
  if (const Node* exempt = map.find("exempt")) inspection.exempt = read_domains(*exempt, "domains", problems);
  if (const Node* inside = map.find("inside"))
    assign(inspection.inside, read_word(*inside, "what may be inside", kInsides, problems));
  if (const Node* others = map.find("private-authorities"))
    assign(inspection.private_accepted,
           read_word(*others, "what happens to servers of private authorities", kPrivateAuthorities, problems));
  return inspection;
}

std::optional<model::TlsRelay> read_tls_relay(const Node& node, Problems& problems) {
  const Mapping map(node, kTlsRelayWords, "a TLS relay", problems);
  if (!map.ok()) return std::nullopt;
  model::TlsRelay relay;
  if (const Node* ports = map.find("ports")) {
    relay.ports = read_port_list(*ports, problems);
  } else {
    relay.ports = {{443, 443}};
  }
  if (const Node* sni = map.find("sni")) relay.sni = read_domains(*sni, "server names", problems);
  return relay;
}

void check_takers(const Node& node, const model::Site& site, Problems& problems) {
  const auto complain = [&](std::string_view word, const std::string& other) {
    problems.add(place_of_key(node, {word}), in_quotes(word) + " and " + other + " take the same connections",
                 "give them different ports");
  };
  const auto proxies = taken_by_proxies(site);
  if (site.tls_inspection && touch(site.tls_inspection->ports, proxies))
    complain("tls-inspection", "the transparent proxy");
  if (site.tls_relay && touch(site.tls_relay->ports, proxies)) complain("tls-relay", "the transparent proxy");
  if (site.tls_inspection && site.tls_relay && touch(site.tls_inspection->ports, site.tls_relay->ports))
    complain("tls-relay", "'tls-inspection'");
}

}  // namespace crypelab::scenario
