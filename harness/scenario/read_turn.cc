#include "harness/scenario/read_turn.h"

#include "harness/scenario/read_signaling.h"
#include "harness/scenario/read_value.h"

namespace crypelab::scenario {
namespace {

constexpr std::uint32_t kLargestQuota = 1000;
constexpr Range<Duration> kNonceLives{std::chrono::seconds(1), std::chrono::hours(24)};
constexpr Range<Duration> kCredentialLives{std::chrono::seconds(1), std::chrono::hours(24)};

constexpr std::uint32_t kMostRequests = 1'000'000;
constexpr std::size_t kMostRules = 100;
constexpr std::size_t kLargestSegment = 65'535;
constexpr Range<Duration> kLifetimes{std::chrono::seconds(1), std::chrono::hours(24)};
constexpr Range<Duration> kDelays{Duration(0), std::chrono::minutes(1)};

// coturn counts these in whole seconds.
std::optional<Duration> read_whole_seconds(const Node& node, std::string_view what, Range<Duration> range,
                                           Problems& problems) {
  const auto time = read_duration(node, what, range, problems);
  if (!time || *time % std::chrono::seconds(1) == Duration(0)) return time;
  problems.add(node.at, std::string(what) + " in whole seconds is needed, not " + in_quotes(node.text));
  return std::nullopt;
}

std::optional<std::string> read_other_server(const Node& node, std::string_view own, Problems& problems) {
  auto other = read_name(node, "a TURN server", {"turn-a", "turn-b"}, problems);
  if (!other || *other != own) return other;
  problems.add(node.at, in_quotes(*other) + " sends its clients to itself", "name the other one");
  return std::nullopt;
}

void read_answer(const Node& node, model::TurnRule& rule, Problems& problems) {
  if (node.kind == Node::Kind::scalar && node.text == kNoAnswer.front().name) {
    rule.silent = true;
  } else {
    assign(rule.error, read_number(node, "an error code, or nothing", {300, 699}, problems));
  }
}

std::optional<model::TurnRule> read_rule(const Node& node, std::string_view own, Problems& problems) {
  const Mapping map(node, kTurnRuleWords, "a rule of a script", problems);
  if (!map.ok()) return std::nullopt;
  model::TurnRule rule;
  if (const Node* on = map.require("on", "on: allocate"))
    assign(rule.on, read_word(*on, "a kind of request", kTurnOccasions, problems));
  if (const Node* skip = map.find("skip"))
    assign(rule.skip, read_number(*skip, "a count of requests", {1, kMostRequests}, problems));
  if (const Node* times = map.find("times"))
    rule.times = read_number(*times, "a count of requests", {1, kMostRequests}, problems);
  if (const Node* answer = map.find("answer")) read_answer(*answer, rule, problems);
  if (const Node* to = map.find("to")) assign(rule.alternate, read_other_server(*to, own, problems));
  if (const Node* lifetime = map.find("lifetime"))
    rule.lifetime = read_whole_seconds(*lifetime, "a lifetime", kLifetimes, problems);
  if (const Node* delay = map.find("delay")) assign(rule.delay, read_duration(*delay, "a delay", kDelays, problems));
  if (const Node* faults = map.find("with")) {
    for (const Node* item : read_some(*faults, "faults", kTurnFaults.size(), problems)) {
      if (const auto fault = read_word(*item, "a fault", kTurnFaults, problems)) rule.faults.push_back(*fault);
    }
  }
  if (rule.error == 300 && map.find("to") == nullptr)
    problems.add(node.at, "answer 300 (Try Alternate) names no server", "add to: turn-b");
  if (rule.error != 300 && map.find("to") != nullptr)
    problems.add(map.find("to")->at, "'to' without answer: 300", "only a redirect names another server");
  return rule;
}

// What coturn cannot be made to do.
void read_misbehaviour(const Mapping& map, std::string_view own, model::TurnServer& server, Problems& problems) {
  if (const Node* script = map.find("script")) {
    for (const Node* item : read_some(*script, "rules", kMostRules, problems)) {
      if (auto rule = read_rule(*item, own, problems)) server.script.push_back(std::move(*rule));
    }
  }
  if (const Node* algorithms = map.find("algorithms"))
    assign(server.algorithms, read_word(*algorithms, "a choice of algorithms", kTurnAlgorithms, problems));
  if (const Node* segment = map.find("segment")) {
    const auto size = read_bytes(*segment, "a size", problems);
    if (size && (size->bytes == 0 || size->bytes > kLargestSegment)) {
      problems.add(segment->at, "a segment of " + in_quotes(segment->text), "from 1B to 65535B");
    } else if (size) {
      server.segment = size->bytes;
    }
  }
  if (!server.scripted() || (server.quota == 0 && server.alternate.empty())) return;
  const Node* found = server.quota != 0 ? map.find("quota") : map.find("alternate");
  const Node* scripted = found != nullptr ? found : map.find("script");
  for (const char* word : {"algorithms", "segment"}) {
    if (scripted == nullptr) scripted = map.find(word);
  }
  problems.add(scripted->at, "quota or alternate, and script, algorithms or segment, of one server",
               "write the refusals as rules of the script");
}

// `name` is "" where both servers are meant: they have no other one to send clients to.
void read_server(const Mapping& map, std::string_view name, model::TurnServer& server, Problems& problems) {
  if (const Node* state = map.find("state"))
    assign(server.state, read_word(*state, "a state of a server", kServerStates, problems));
  if (const Node* quota = map.find("quota"))
    assign(server.quota, read_number(*quota, "a quota", {1, kLargestQuota}, problems));
  if (const Node* life = map.find("nonce-life"))
    assign(server.nonce_life, read_whole_seconds(*life, "the life of a nonce", kNonceLives, problems));
  if (const Node* certificate = map.find("certificate"))
    assign(server.certificate, read_word(*certificate, "a certificate", kServerCertificates, problems));
  if (const Node* key = map.find("key")) assign(server.key, read_word(*key, "a kind of key", kServerKeys, problems));
  const Node* alternate = name.empty() ? nullptr : map.find("alternate");
  if (alternate == nullptr) return;
  assign(server.alternate, read_other_server(*alternate, name, problems));
}

}  // namespace

model::World read_world(const Node& root, Problems& problems) {
  model::World world;
  if (const Node* signaling = root.find("signaling")) world.signaling = read_signaling(*signaling, problems);
  if (const Node* both = root.find("turn")) {
    const Mapping map(*both, kTurnWords, "the TURN servers", problems);
    if (map.ok()) {
      read_server(map, "", world.turn_a, problems);
      world.turn_b = world.turn_a;
      if (const Node* credentials = map.find("credentials"))
        assign(world.turn_access.credentials,
               read_word(*credentials, "a kind of credentials", kTurnCredentials, problems));
      if (const Node* life = map.find("credential-life")) {
        assign(world.turn_access.credential_life,
               read_whole_seconds(*life, "the life of a credential", kCredentialLives, problems));
        if (world.turn_access.credentials == model::TurnCredentials::long_term)
          problems.add(life->at, "long-term credentials do not expire", "take credential-life out");
      }
    }
  }
  for (auto [name, server] : {std::pair("turn-a", &world.turn_a), std::pair("turn-b", &world.turn_b)}) {
    const Node* one = root.find(name);
    if (one == nullptr) continue;
    const Mapping map(*one, kTurnServerWords, "a TURN server", problems);
    if (!map.ok()) continue;
    read_server(map, name, *server, problems);
    read_misbehaviour(map, name, *server, problems);
  }
  return world;
}

}  // namespace crypelab::scenario
