#include "harness/scenario/read_portal.h"

#include "harness/scenario/read_value.h"

namespace crypelab::scenario {
namespace {

constexpr Duration kEarliest = std::chrono::milliseconds(1);
constexpr Duration kLatest = std::chrono::hours(24);

}  // namespace

std::optional<model::Portal> read_portal(const Node& node, Problems& problems) {
  const Mapping map(node, kPortalWords, "a captive portal", problems);
  if (!map.ok()) return std::nullopt;
  model::Portal portal;
  if (const Node* tls = map.find("tls"))
    assign(portal.tls, read_word(*tls, "what is on port 443", kPortalTls, problems));
  if (const Node* dns = map.find("dns"))
    assign(portal.dns_hijacked, read_word(*dns, "what happens to DNS", kPortalDns, problems));
  if (const Node* release = map.find("release"))
    portal.released = read_duration(*release, "a time", {kEarliest, kLatest}, problems);
  if (const Node* close = map.find("close")) {
    portal.closes = read_duration(*close, "a time", {kEarliest, kLatest}, problems);
    if (portal.closes && portal.released && *portal.closes <= *portal.released)
      problems.add(close->at, "it closes before it has released anybody", "'close' comes after 'release'");
  }
  return portal;
}

}  // namespace crypelab::scenario
