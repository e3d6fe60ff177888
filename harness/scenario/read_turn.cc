#include "harness/scenario/read_turn.h"

#include "harness/scenario/read_value.h"

namespace crypelab::scenario {
namespace {

constexpr std::uint32_t kLargestQuota = 1000;
constexpr Range<Duration> kNonceLives{std::chrono::seconds(1), std::chrono::hours(24)};
constexpr Range<Duration> kCredentialLives{std::chrono::seconds(1), std::chrono::hours(24)};

// coturn counts these in whole seconds.
std::optional<Duration> read_whole_seconds(const Node& node, std::string_view what, Range<Duration> range,
                                           Problems& problems) {
  const auto time = read_duration(node, what, range, problems);
  if (!time || *time % std::chrono::seconds(1) == Duration(0)) return time;
  problems.add(node.at, std::string(what) + " in whole seconds is needed, not " + in_quotes(node.text));
  return std::nullopt;
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
  const Node* alternate = name.empty() ? nullptr : map.find("alternate");
  if (alternate == nullptr) return;
  auto other = read_name(*alternate, "a TURN server", {"turn-a", "turn-b"}, problems);
  if (other && *other == name) {
    problems.add(alternate->at, in_quotes(*other) + " sends its clients to itself", "name the other one");
    return;
  }
  assign(server.alternate, std::move(other));
}

}  // namespace

model::World read_world(const Node& root, Problems& problems) {
  model::World world;
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
    if (map.ok()) read_server(map, name, *server, problems);
  }
  return world;
}

}  // namespace crypelab::scenario
