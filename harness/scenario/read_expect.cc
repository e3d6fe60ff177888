#include "harness/scenario/read_expect.h"

#include "harness/scenario/read_egress.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostExpectations = 100;
constexpr Range<Duration> kTimes{std::chrono::milliseconds(1), std::chrono::hours(24)};
constexpr std::uint32_t kMostTunnels = 10'000;
constexpr std::string_view kExample = "an expectation is written like '- connected: {within: 12s}'";

using What = decltype(model::Expectation::what);

class ExpectReader {
 public:
  ExpectReader(const model::Scenario& scenario, Problems& problems) : scenario_(scenario), problems_(problems) {
    for (const auto& site : scenario.sites) sites_.push_back(site.name);
    for (const auto& client : scenario.clients) clients_.push_back(client.name);
  }

  std::optional<What> read(std::string_view word, const Node& node) {
    if (word == "connected") return connected(node);
    if (word == "not-connected") {
      const Mapping map(node, {}, "not-connected", problems_);
      return model::ExpectNotConnected{};
    }
    if (word == "path") return path(node);
    if (word == "stays-connected") return stays(node);
    if (word == "no-bypass") return bypass(node);
    if (word == "attempted") return attempt<model::ExpectAttempted>(node, "what was attempted");
    if (word == "unanswered") return attempt<model::ExpectUnanswered>(node, "what was unanswered");
    if (word == "echo") return echo(node);
    if (word == "throughput") return throughput(node);
    if (word == "reports") return reports(node);
    if (word == "tunnels") return tunnels(node);
    return allocations(node);
  }

 private:
  std::optional<Duration> time(const Mapping& map, std::string_view word) {
    const Node* node = map.find(word);
    return node == nullptr ? std::nullopt : read_duration(*node, "a time", kTimes, problems_);
  }
  std::string site(const Mapping& map) {
    const Node* node = map.require("site", "site: office");
    auto name = node == nullptr ? std::nullopt : read_name(*node, "a site", sites_, problems_);
    return name.value_or("");
  }
  std::string client(const Mapping& map) {
    const Node* node = map.require("client", "client: alice");
    auto name = node == nullptr ? std::nullopt : read_name(*node, "a client", clients_, problems_);
    return name.value_or("");
  }

  What connected(const Node& node) {
    const Mapping map(node, kConnectedWords, "connected", problems_);
    return model::ExpectConnected{time(map, "within")};
  }

  What path(const Node& node) {
    const Mapping map(node, kPathWords, "a path", problems_);
    model::ExpectPath path;
    path.client = client(map);
    if (const Node* classes = map.require("class", "class: relay-tls")) {
      for (const Node* item : read_some(*classes, "classes", kPathClasses.size(), problems_)) {
        if (const auto one = read_word(*item, "a class of paths", kPathClasses, problems_))
          path.classes.push_back(*one);
      }
    }
    if (const Node* proxy = map.find("proxy")) path.proxy = read_boolean(*proxy, problems_);
    return path;
  }

  What stays(const Node& node) {
    const Mapping map(node, kStaysWords, "stays-connected", problems_);
    model::ExpectStaysConnected stays;
    const Node* length = map.require("for", "for: 60s");
    if (length != nullptr) assign(stays.time, read_duration(*length, "a time", kTimes, problems_));
    assign(stays.gap, time(map, "gap"));
    Duration work{0};
    for (const auto& phase : scenario_.work) work += model::length_of(phase);
    if (length != nullptr && stays.time > work)
      problems_.add(length->at,
                    "to stay connected for " + crypelab::to_string(stays.time) + ", and the work is over after " +
                        crypelab::to_string(work),
                    "add a hold phase to work:");
    return stays;
  }

  What bypass(const Node& node) {
    const Mapping map(node, kBypassWords, "no-bypass", problems_);
    return model::ExpectNoBypass{site(map)};
  }

  template <class Expected>
  What attempt(const Node& node, std::string_view what) {
    const Mapping map(node, kAttemptWords, what, problems_);
    Expected expected;
    expected.site = site(map);
    const Node* match = map.require("match", "match: udp");
    if (match == nullptr) return expected;
    if (match->kind == Node::Kind::scalar) {
      assign(expected.match.protocol, read_word(*match, "a protocol", kProtocols, problems_));
      return expected;
    }
    const auto before = problems_.complaints();
    expected.match = read_match(*match, problems_);
    const bool has_ports =
        expected.match.protocol == model::Protocol::udp || expected.match.protocol == model::Protocol::tcp;
    if (problems_.complaints() == before && !expected.match.ports.empty() && !has_ports)
      problems_.add(place_of_key(*match, {"ports"}), "ports need 'protocol: udp' or 'protocol: tcp'");
    return expected;
  }

  What echo(const Node& node) {
    const Mapping map(node, kEchoBoundWords, "an echo", problems_);
    model::ExpectEcho echo;
    if (const Node* lost = map.find("lost")) echo.lost = read_share(*lost, problems_);
    echo.rtt = time(map, "rtt");
    require_phase<model::Echo>(node, "echo");
    return echo;
  }

  What throughput(const Node& node) {
    const Mapping map(node, kThroughputBoundWords, "a throughput", problems_);
    model::ExpectThroughput throughput;
    if (const Node* least = map.require("at-least", "at-least: 5mbit"))
      assign(throughput.at_least, read_rate(*least, problems_));
    require_phase<model::Throughput>(node, "throughput");
    return throughput;
  }

  template <class Phase>
  void require_phase(const Node& node, std::string_view word) {
    const bool there =
        std::ranges::any_of(scenario_.work, [](const auto& phase) { return std::holds_alternative<Phase>(phase); });
    if (!there)
      problems_.add(node.at, "nothing in the work is of " + in_quotes(word),
                    "add '- " + std::string(word) + ": {}' to work:");
  }

  What reports(const Node& node) {
    const Mapping map(node, kReportWords, "what a client reports", problems_);
    model::ExpectReports reports;
    reports.client = client(map);
    if (const Node* codes = map.require("code", "code: PROXY_AUTH_FAILED")) {
      const std::vector<std::string_view> known(model::problem_codes().begin(), model::problem_codes().end());
      for (const Node* item : read_some(*codes, "codes", known.size(), problems_)) {
        if (auto code = read_name(*item, "a problem code", known, problems_)) reports.codes.push_back(std::move(*code));
      }
    }
    reports.within = time(map, "within");
    return reports;
  }

  What tunnels(const Node& node) {
    const Mapping map(node, kTunnelWords, "tunnels", problems_);
    model::ExpectTunnels tunnels;
    tunnels.site = site(map);
    if (const Node* least = map.find("at-least"))
      tunnels.at_least = read_number(*least, "a count of tunnels", {1, kMostTunnels}, problems_);
    if (const Node* most = map.find("at-most"))
      tunnels.at_most = read_number(*most, "a count of tunnels", {0, kMostTunnels}, problems_);
    const auto* where = model::find_site(scenario_, tunnels.site);
    if (where != nullptr && where->proxies.empty())
      problems_.add(map.find("site")->at, "site " + in_quotes(tunnels.site) + " has no proxy");
    if (map.ok() && map.find("at-least") == nullptr && map.find("at-most") == nullptr)
      problems_.add(node.at, "how many tunnels?", "add at-least: 1, or at-most: 4");
    return tunnels;
  }

  What allocations(const Node& node) {
    const Mapping map(node, kAllocationWords, "allocations", problems_);
    model::ExpectAllocations allocations;
    if (const Node* left = map.find("left"))
      assign(allocations.left, read_number(*left, "a count of allocations", {0, kMostTunnels}, problems_));
    assign(allocations.within, time(map, "within"));
    return allocations;
  }

  const model::Scenario& scenario_;
  Problems& problems_;
  std::vector<std::string_view> sites_;
  std::vector<std::string_view> clients_;
};

}  // namespace

std::vector<model::Expectation> read_expect(const Node& node, const model::Scenario& scenario, Problems& problems) {
  std::vector<model::Expectation> expectations;
  if (node.kind != Node::Kind::list) {
    problems.add(node.at, "expected a list of expectations, found " + found(node), std::string(kExample));
    return expectations;
  }
  ExpectReader reader(scenario, problems);
  bool connected = false;
  bool not_connected = false;
  for (const Node* item : read_some(node, "expectations", kMostExpectations, problems)) {
    const Mapping map(*item, kExpectWords, "an expectation", problems);
    if (!map.ok()) continue;
    if (item->entries.size() != 1) {
      problems.add(item->at, "an expectation says one thing", std::string(kExample));
      continue;
    }
    const auto& entry = item->entries.front();
    if (std::ranges::find(kExpectWords, entry.key) == kExpectWords.end()) continue;  // already complained about
    connected = connected || entry.key == "connected" || entry.key == "path" || entry.key == "stays-connected";
    not_connected = not_connected || entry.key == "not-connected";
    if (connected && not_connected) {
      problems.add(entry.at, "to be connected and not to be", "one of them, or two cases");
      connected = false;
    }
    if (auto what = reader.read(entry.key, entry.value))
      expectations.push_back({std::move(*what), static_cast<unsigned>(entry.at.line)});
  }
  return expectations;
}

}  // namespace crypelab::scenario
