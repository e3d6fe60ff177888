#include "harness/scenario/read_egress.h"

#include "harness/scenario/read_target.h"
#include "harness/scenario/read_uplink.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostRules = 200;
constexpr std::size_t kMostInList = 64;
constexpr Duration kLongestAcceptance = std::chrono::hours(24);

// Resets and a look at the first bytes of a connection are TCP's, whether the rule says so or not.
bool means_tcp(const model::Action& action) {
  return std::holds_alternative<model::Reset>(action) || std::holds_alternative<model::FirstBytes>(action);
}

void check_protocol(const Node& node, const model::EgressRule& read, Problems& problems) {
  const auto protocol = read.match.protocol;
  if (protocol == model::Protocol::any && node.find("protocol") != nullptr) return;  // already complained about
  if (means_tcp(read.action) && protocol != model::Protocol::tcp) {
    const bool resets = std::holds_alternative<model::Reset>(read.action);
    problems.add(place(node, {"protocol"}),
                 resets ? "only TCP can be reset" : "only TCP has first bytes that can be looked at",
                 resets ? "for others: reject" : "for UDP: payload: stun");
  } else if (read.match.payload != model::Payload::any && protocol != model::Protocol::udp) {
    problems.add(place_of_key(node, {"payload"}), "a payload needs 'protocol: udp'",
                 "of TCP: tls-only, http-only, web-only");
  } else if (!read.match.ports.empty() && protocol != model::Protocol::tcp && protocol != model::Protocol::udp) {
    problems.add(place_of_key(node, {"ports"}), "ports need 'protocol: udp' or 'protocol: tcp'",
                 "two rules say both protocols");
  }
}

std::optional<model::FirstBytes::Inside> inside_of(std::string_view action) {
  if (action == "tls-only") return model::FirstBytes::Inside::tls;
  if (action == "http-only") return model::FirstBytes::Inside::http;
  if (action == "web-only") return model::FirstBytes::Inside::web;
  return std::nullopt;
}

// Which words may stand beside which action.
std::vector<std::string_view> companions_of(std::string_view action) {
  if (action == "reject") return {kRejectWith};
  if (action == "accept-then-drop") return {kAcceptAfter};
  if (action == "police") return {kPoliceRate};
  if (action == "lose") return {kLoseLoss};
  if (action == "http-only") return {"otherwise", "after"};
  if (inside_of(action)) return {kFirstBytesWords.begin(), kFirstBytesWords.end()};
  return {};
}

// RFC 7301 section 3.1; what cannot be written in a file, nobody needs.
std::optional<std::string> read_protocol_name(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "an application protocol", problems)) return std::nullopt;
  const bool legal = !node.text.empty() && node.text.size() <= 255 &&
                     std::ranges::all_of(node.text, [](char c) { return c > ' ' && c <= '~'; });
  if (!legal) {
    problems.add(node.at, in_quotes(node.text) + " is not an application protocol",
                 "write it as in ALPN: h2, http/1.1, stun.turn");
    return std::nullopt;
  }
  return node.text;
}

model::FirstBytes read_first_bytes(model::FirstBytes::Inside inside, const Mapping& rule, Problems& problems) {
  model::FirstBytes action;
  action.inside = inside;
  if (const Node* sni = rule.find("sni")) {
    action.sni_required = true;
    if (sni->kind != Node::Kind::scalar || sni->text != kSniRequired) {
      for (const Node* item : read_some(*sni, "server names", kMostInList, problems)) {
        if (auto name = read_domain(*item, problems)) action.sni.push_back(std::move(*name));
      }
    }
  }
  if (const Node* alpn = rule.find("alpn")) {
    for (const Node* item : read_some(*alpn, "application protocols", kMostInList, problems)) {
      if (auto name = read_protocol_name(*item, problems)) action.alpn.push_back(std::move(*name));
    }
  }
  if (const Node* otherwise = rule.find("otherwise")) {
    assign(action.otherwise, read_word(*otherwise, "what happens to the others", kOtherwise, problems));
  }
  if (const Node* after = rule.find("after")) {
    action.after = read_bytes(*after, "a size", problems);
    if (action.otherwise == model::FirstBytes::Otherwise::reset) {
      problems.add(after->at, "what is reset does not pass for a while first", "with after: otherwise: drop");
    }
  }
  return action;
}

std::optional<model::Action> read_accept_then_drop(const Node& after, Problems& problems) {
  if (!expect_scalar(after, "a size or a duration", problems)) return std::nullopt;
  model::AcceptThenDrop action;
  if (after.text.ends_with('B')) {
    action.bytes = read_bytes(after, "a size", problems);
    if (!action.bytes) return std::nullopt;
  } else if (parse_duration(after.text.substr(0, 64))) {
    action.time =
        read_duration(after, "how long it passes", {std::chrono::milliseconds(1), kLongestAcceptance}, problems);
    if (!action.time) return std::nullopt;
  } else {
    problems.add(after.at, in_quotes(after.text) + " is neither a size nor a duration", "write it like 16kB or 3s");
    return std::nullopt;
  }
  return action;
}

std::optional<model::Action> read_action(std::string_view word, const Mapping& rule, Problems& problems) {
  if (word == "allow") return model::Allow{};
  if (word == "drop") return model::Drop{};
  if (word == "reset") return model::Reset{};
  if (const auto inside = inside_of(word)) return read_first_bytes(*inside, rule, problems);
  if (word == "reject") {
    model::Reject action;
    if (const Node* with = rule.find(kRejectWith)) {
      assign(action.with, read_word(*with, "a kind of ICMP unreachable", kUnreachables, problems));
    }
    return action;
  }
  if (word == "accept-then-drop") {
    const Node* after = rule.require(kAcceptAfter, "after: 16kB, or after: 3s");
    return after == nullptr ? std::nullopt : read_accept_then_drop(*after, problems);
  }
  if (word == "police") {
    const Node* node = rule.require(kPoliceRate, "rate: 200kbit");
    const auto rate = node == nullptr ? std::nullopt : read_rate(*node, problems);
    return rate ? std::optional<model::Action>(model::Police{*rate}) : std::nullopt;
  }
  const Node* node = rule.require(kLoseLoss, "loss: 25%");
  const auto loss = node == nullptr ? std::nullopt : read_loss(*node, problems);
  return loss ? std::optional<model::Action>(model::Lose{*loss}) : std::nullopt;
}

std::string_view action_of(const Node& node) {
  for (const auto& entry : node.entries) {
    if (std::ranges::find(kActionWords, entry.key) != kActionWords.end()) return entry.key;
  }
  return {};
}

std::optional<model::EgressRule> read_rule(const Node& node, Problems& problems) {
  const std::vector<std::string_view> actions(kActionWords.begin(), kActionWords.end());
  const std::string example = "a rule is written like '- drop: {protocol: udp}'; actions: " + join(actions);
  if (node.kind == Node::Kind::refused) return std::nullopt;
  if (node.kind != Node::Kind::mapping || node.entries.empty()) {
    problems.add(node.at, "expected a rule, found " + found(node), example);
    return std::nullopt;
  }
  const auto action_word = action_of(node);
  if (action_word.empty()) {
    const auto& first = node.entries.front();
    const std::string guess = did_you_mean(first.key, actions);
    problems.add(first.at, in_quotes(first.key) + " is not an action", guess.empty() ? example : guess);
    return std::nullopt;
  }
  std::vector<std::string_view> words{action_word};
  for (const auto companion : companions_of(action_word)) words.push_back(companion);
  for (const auto& entry : node.entries) {
    if (entry.key != action_word && std::ranges::find(actions, entry.key) != actions.end()) {
      problems.add(entry.at, "a second action in one rule", "each action is a rule of its own, with a '-' in front");
      return std::nullopt;
    }
  }
  const Mapping rule(node, words, "a rule that says '" + std::string(action_word) + "'", problems);
  model::EgressRule read;
  read.line = node.at.line;
  const Node* match = rule.find(action_word);
  if (match != nullptr) read.match = read_match(*match, problems);
  const auto action = read_action(action_word, rule, problems);
  if (!action || match == nullptr) return std::nullopt;
  read.action = *action;
  if (means_tcp(read.action) && match->find("protocol") == nullptr) read.match.protocol = model::Protocol::tcp;
  check_protocol(*match, read, problems);
  return read;
}

}  // namespace

model::Match read_match(const Node& node, Problems& problems) {
  model::Match match;
  const Mapping map(node, kMatchWords, "what a rule matches", problems);
  if (const Node* protocol = map.find("protocol")) {
    assign(match.protocol, read_word(*protocol, "a protocol", kProtocols, problems));
  }
  if (const Node* ports = map.find("ports")) {
    for (const Node* item : read_some(*ports, "ports", kMostInList, problems)) {
      if (const auto range = read_ports(*item, problems)) match.ports.push_back(*range);
    }
  }
  if (const Node* to = map.find("to")) {
    for (const Node* item : read_some(*to, "addresses", kMostInList, problems)) {
      if (const auto prefix = read_prefix_or_address(*item, problems)) match.to.push_back(*prefix);
    }
  }
  if (const Node* domains = map.find("domains")) {
    for (const Node* item : read_some(*domains, "domains", kMostInList, problems)) {
      if (auto domain = read_domain(*item, problems)) match.domains.push_back(std::move(*domain));
    }
  }
  if (const Node* payload = map.find("payload")) {
    assign(match.payload, read_word(*payload, "a payload", kPayloads, problems));
  }
  return match;
}

std::vector<model::EgressRule> read_egress(const Node& node, Problems& problems) {
  std::vector<model::EgressRule> rules;
  if (node.kind == Node::Kind::refused) return rules;
  if (node.kind != Node::Kind::list) {
    problems.add(node.at, "expected a list of rules, found " + found(node),
                 "a rule is written like '- drop: {protocol: udp}'; [] lets nothing out");
    return rules;
  }
  if (node.items.size() > kMostRules) {
    problems.add(node.at, "more than " + std::to_string(kMostRules) + " rules at one site");
    return rules;
  }
  for (const auto& item : node.items) {
    if (auto rule = read_rule(item, problems)) rules.push_back(std::move(*rule));
  }
  return rules;
}

}  // namespace crypelab::scenario
