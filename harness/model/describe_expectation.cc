#include "harness/base/overloaded.h"
#include "harness/model/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::model {
namespace {

std::string fields(const std::vector<std::string>& parts) {
  return parts.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

std::string one_or_list(const std::vector<std::string>& items) {
  return items.size() == 1 ? items.front() : fmt::format("[{}]", fmt::join(items, ", "));
}

std::string path_text(const ExpectPath& path) {
  std::vector<std::string> classes;
  for (const auto one : path.classes) classes.push_back(describe(one));
  std::vector<std::string> parts{"client: " + path.client, "class: " + one_or_list(classes)};
  if (path.proxy) parts.push_back(fmt::format("proxy: {}", *path.proxy));
  return fields(parts);
}

std::string site_and_match(const std::string& site, const Match& match) {
  return fields({"site: " + site, "match: " + describe(match)});
}

std::string tunnels_text(const ExpectTunnels& tunnels) {
  std::vector<std::string> parts{"site: " + tunnels.site};
  if (tunnels.at_least) parts.push_back(fmt::format("at-least: {}", *tunnels.at_least));
  if (tunnels.at_most) parts.push_back(fmt::format("at-most: {}", *tunnels.at_most));
  return fields(parts);
}

std::string reports_text(const ExpectReports& reports) {
  std::vector<std::string> parts{"client: " + reports.client, "code: " + one_or_list(reports.codes)};
  if (reports.within) parts.push_back("within: " + to_string(*reports.within));
  return fields(parts);
}

std::string echo_text(const ExpectEcho& echo) {
  std::vector<std::string> parts;
  if (echo.lost) parts.push_back("lost: " + to_string(*echo.lost));
  if (echo.rtt) parts.push_back("rtt: " + to_string(*echo.rtt));
  return fields(parts);
}

}  // namespace

std::string describe(PathClass path) {
  switch (path) {
    case PathClass::direct:
      return "direct";
    case PathClass::srflx:
      return "srflx";
    case PathClass::relay_udp:
      return "relay-udp";
    case PathClass::relay_tcp:
      return "relay-tcp";
    case PathClass::relay_tls:
      return "relay-tls";
  }
  return "";
}

std::string describe(const Expectation& expected) {
  return std::visit(
      Overloaded{
          [](const ExpectConnected& e) {
            return "connected: " + (e.within ? fields({"within: " + to_string(*e.within)}) : std::string("{}"));
          },
          [](const ExpectNotConnected&) { return std::string("not-connected: {}"); },
          [](const ExpectPath& e) { return "path: " + path_text(e); },
          [](const ExpectStaysConnected& e) {
            return "stays-connected: " + fields({"for: " + to_string(e.time), "gap: " + to_string(e.gap)});
          },
          [](const ExpectNoBypass& e) { return "no-bypass: " + fields({"site: " + e.site}); },
          [](const ExpectAttempted& e) { return "attempted: " + site_and_match(e.site, e.match); },
          [](const ExpectUnanswered& e) { return "unanswered: " + site_and_match(e.site, e.match); },
          [](const ExpectEcho& e) { return "echo: " + echo_text(e); },
          [](const ExpectThroughput& e) { return "throughput: " + fields({"at-least: " + to_string(e.at_least)}); },
          [](const ExpectReports& e) { return "reports: " + reports_text(e); },
          [](const ExpectTunnels& e) { return "tunnels: " + tunnels_text(e); },
          [](const ExpectAllocations& e) {
            return "allocations: " + fields({fmt::format("left: {}", e.left), "within: " + to_string(e.within)});
          },
      },
      expected.what);
}

}  // namespace crypelab::model
