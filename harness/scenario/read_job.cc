#include "harness/scenario/read_job.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostMisbehaviours = 32;
constexpr std::size_t kLongestMisbehaviour = 64;
constexpr std::size_t kMostPhases = 16;
constexpr Range<Duration> kIntervals{std::chrono::milliseconds(1), std::chrono::seconds(10)};
constexpr Range<Duration> kPhaseTimes{std::chrono::seconds(1), std::chrono::hours(24)};
constexpr Range<Duration> kGaps{std::chrono::milliseconds(1), std::chrono::hours(24)};
constexpr Range<std::uint32_t> kMessageSizes{24, 65'535};  // the header of a test message has 24 bytes

void check_pair(const Mapping& map, std::string_view word, bool wanted, const std::string& needs, Problems& problems) {
  const Node* node = map.find(word);
  if (wanted && node == nullptr) {
    if (const Node* mode = map.find("mode"))
      problems.add(mode->at, "a proxy of mode " + in_quotes(mode->text) + " without " + in_quotes(word), needs);
  } else if (!wanted && node != nullptr) {
    problems.add(node->at, in_quotes(word) + " means nothing in this mode", needs);
  }
}

model::ProxyUse read_proxy_use(const Node& node, Problems& problems) {
  model::ProxyUse use;
  const Mapping map(node, kProxyUseWords, "how a client uses proxies", problems);
  if (!map.ok()) return use;
  if (const Node* mode = map.require("mode", "mode: fixed_servers")) {
    assign(use.mode, read_word(*mode, "a proxy mode", kProxyModes, problems));
    check_pair(map, "rules", use.mode == model::ProxyMode::fixed_servers,
               "mode: fixed_servers goes with rules: \"http://proxy.office.test:3128\"", problems);
    check_pair(map, "pac", use.mode == model::ProxyMode::pac_script,
               "mode: pac_script goes with pac: \"http://web.office.test/proxy.pac\"", problems);
    if (use.mode != model::ProxyMode::fixed_servers)
      check_pair(map, "bypass", false, "only fixed_servers has a bypass list", problems);
  }
  if (const Node* rules = map.find("rules")) assign(use.rules, read_text(*rules, "proxy rules", problems));
  if (const Node* bypass = map.find("bypass")) assign(use.bypass, read_text(*bypass, "a bypass list", problems));
  if (const Node* pac = map.find("pac")) assign(use.pac, read_text(*pac, "a URL", problems));
  const Node* username = map.find("username");
  const Node* password = map.find("password");
  if (username != nullptr) assign(use.username, read_text(*username, "a user name", problems));
  if (password != nullptr) assign(use.password, read_text(*password, "a password", problems));
  if (username != nullptr && password != nullptr) use.credentials = model::ProxyCredentials::given;
  const Node* credentials = map.find("credentials");
  if (credentials != nullptr)
    assign(use.credentials, read_word(*credentials, "where credentials come from", kProxyCredentials, problems));
  if ((username == nullptr) != (password == nullptr)) {
    problems.add((username != nullptr ? username : password)->at,
                 username != nullptr ? "a user name without a password" : "a password without a user name",
                 "username: alice, password: wonderland");
  } else if (username != nullptr && use.credentials != model::ProxyCredentials::given) {
    problems.add(credentials->at, "a user name beside " + in_quotes(credentials->text) + " credentials",
                 "a job that holds them says credentials: given, or nothing");
  } else if (username == nullptr && use.credentials == model::ProxyCredentials::given) {
    problems.add(credentials->at, "given credentials, and none are there", "add username: and password:");
  }
  return use;
}

std::vector<model::RelayTransport> read_transports(const Node& node, Problems& problems) {
  std::vector<model::RelayTransport> transports;
  if (node.kind == Node::Kind::scalar && node.text == kNoRelays) return transports;
  for (const Node* item : read_some(node, "transports", kRelayTransports.size(), problems)) {
    const auto transport = read_word(*item, "a transport to a TURN server", kRelayTransports, problems);
    if (!transport) continue;
    if (std::ranges::find(transports, *transport) != transports.end()) {
      problems.add(item->at, in_quotes(item->text) + " stands here a second time");
    } else {
      transports.push_back(*transport);
    }
  }
  return transports;
}

std::vector<std::string> read_misbehaviours(const Node& node, Problems& problems) {
  std::vector<std::string> names;
  for (const Node* item : read_some(node, "misbehaviours", kMostMisbehaviours, problems)) {
    auto name = read_text(*item, "a misbehaviour", problems);
    if (!name) continue;
    const auto legal = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    };
    if (name->size() > kLongestMisbehaviour || !std::ranges::all_of(*name, legal)) {
      problems.add(item->at, in_quotes(*name) + " is no name of a misbehaviour",
                   "letters, digits and '-', at most 64: U-14");
      continue;
    }
    names.push_back(std::move(*name));
  }
  return names;
}

// Of what the contract counts in whole units.
std::optional<Duration> read_whole(const Node& node, std::string_view what, Range<Duration> range, Duration unit,
                                   Problems& problems) {
  const auto time = read_duration(node, what, range, problems);
  if (!time || *time % unit == Duration(0)) return time;
  problems.add(node.at, std::string(what) + " in whole " + (unit == std::chrono::seconds(1) ? "" : "milli") +
                            "seconds is needed, not " + in_quotes(node.text));
  return std::nullopt;
}

model::Echo read_echo(const Node& node, Problems& problems) {
  model::Echo echo;
  const Mapping map(node, kEchoWords, "an echo phase", problems);
  if (const Node* count = map.find("count"))
    assign(echo.count, read_number(*count, "a count of messages", {1, 100'000}, problems));
  if (const Node* interval = map.find("interval"))
    assign(echo.interval, read_whole(*interval, "an interval", kIntervals, std::chrono::milliseconds(1), problems));
  if (const Node* size = map.find("size"))
    assign(echo.size, read_number(*size, "a size in bytes", kMessageSizes, problems));
  return echo;
}

model::Throughput read_throughput(const Node& node, Problems& problems) {
  model::Throughput throughput;
  const Mapping map(node, kThroughputWords, "a throughput phase", problems);
  if (const Node* time = map.find("time"))
    assign(throughput.time, read_whole(*time, "a time", kPhaseTimes, std::chrono::seconds(1), problems));
  if (const Node* direction = map.find("direction"))
    assign(throughput.direction, read_word(*direction, "a direction", kFlows, problems));
  if (const Node* delivery = map.find("delivery"))
    assign(throughput.delivery, read_word(*delivery, "a kind of delivery", kDeliveries, problems));
  if (const Node* size = map.find("size"))
    assign(throughput.size, read_number(*size, "a size in bytes", kMessageSizes, problems));
  return throughput;
}

model::Hold read_hold(const Node& node, Problems& problems) {
  model::Hold hold;
  const Mapping map(node, kHoldWords, "a hold phase", problems);
  if (const Node* time = map.find("time"))
    assign(hold.time, read_whole(*time, "a time", kPhaseTimes, std::chrono::seconds(1), problems));
  if (const Node* traffic = map.find("traffic"))
    assign(hold.traffic, read_word(*traffic, "a kind of traffic", kTraffic, problems));
  if (const Node* gap = map.find("max-gap"))
    assign(hold.max_gap, read_whole(*gap, "a gap", kGaps, std::chrono::milliseconds(1), problems));
  return hold;
}

}  // namespace

model::Job read_job(const Mapping& client, Problems& problems) {
  model::Job job;
  if (const Node* app = client.find("app")) assign(job.app, read_word(*app, "a kind of application", kApps, problems));
  if (const Node* proxy = client.find("proxy")) job.proxy = read_proxy_use(*proxy, problems);
  if (const Node* policy = client.find("policy"))
    assign(job.policy, read_word(*policy, "an ICE policy", kIcePolicies, problems));
  if (const Node* udp = client.find("non-proxied-udp")) assign(job.non_proxied_udp, read_boolean(*udp, problems));
  if (const Node* turn = client.find("turn")) job.turn = read_transports(*turn, problems);
  if (const Node* misbehave = client.find("misbehave")) job.misbehave = read_misbehaviours(*misbehave, problems);
  return job;
}

std::vector<model::Phase> read_work(const Node& node, Problems& problems) {
  std::vector<model::Phase> work;
  if (node.kind != Node::Kind::list) {
    problems.add(node.at, "expected a list of phases, found " + found(node),
                 "a phase is written like '- echo: {count: 50}'");
    return work;
  }
  for (const Node* item : read_some(node, "phases", kMostPhases, problems)) {
    const Mapping map(*item, kWorkWords, "a phase", problems);
    if (!map.ok()) continue;
    if (item->entries.size() != 1) {
      problems.add(item->at, "a phase says one thing", "a phase is written like '- echo: {count: 50}'");
      continue;
    }
    if (const Node* echo = map.find("echo")) work.emplace_back(read_echo(*echo, problems));
    if (const Node* throughput = map.find("throughput")) work.emplace_back(read_throughput(*throughput, problems));
    if (const Node* hold = map.find("hold")) work.emplace_back(read_hold(*hold, problems));
  }
  return work;
}

}  // namespace crypelab::scenario
