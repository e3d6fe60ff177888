#include "harness/scenario/read_uplink.h"

#include "harness/scenario/read_value.h"

#include <algorithm>
#include <charconv>

namespace crypelab::scenario {
namespace {

constexpr Duration kLongestDelay = std::chrono::seconds(10);
constexpr std::uint32_t kSmallestMtu = 576;  // RFC 791: every host accepts that much
constexpr std::uint32_t kLargestMtu = 9000;
constexpr std::uint32_t kMostPackets = 10'000;
constexpr std::uint32_t kLastPacket = 1'000'000'000;
constexpr std::uint32_t kLongestBurst = 1000;

void read_direction(const Mapping& map, model::Direction& direction, Problems& problems) {
  if (const Node* node = map.find("delay")) {
    assign(direction.delay, read_duration(*node, "a delay", {Duration(0), kLongestDelay}, problems));
  }
  if (const Node* node = map.find("jitter")) {
    assign(direction.jitter, read_duration(*node, "a jitter", {Duration(0), kLongestDelay}, problems));
  }
  if (const Node* node = map.find("rate")) assign(direction.rate, read_rate(*node, problems));
  if (const Node* node = map.find("loss")) assign(direction.loss, read_loss(*node, problems));
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> read_packet_range(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "a packet number or a range like 20-29", problems)) return std::nullopt;
  const auto dash = node.text.find('-');
  const auto number = [](std::string_view text) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    if (value == 0 || value > kLastPacket) return std::nullopt;
    return value;
  };
  const std::string_view text = node.text;
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string::npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *first > *last) {
    problems.add(node.at, in_quotes(node.text) + " is not a packet number or a range",
                 "packets count from 1; a range is written like 20-29");
    return std::nullopt;
  }
  return std::pair(*first, *last);
}

std::optional<model::Loss> read_packet_list(const Node& node, Problems& problems) {
  model::PacketListLoss loss;
  bool wrong = false;
  for (const Node* item : read_some(node, "packets", kMostPackets, problems)) {
    const auto range = read_packet_range(*item, problems);
    if (!range) {
      wrong = true;
      continue;
    }
    if (range->second - range->first >= kMostPackets - std::min<std::size_t>(loss.packets.size(), kMostPackets)) {
      problems.add(item->at, "a list of more than " + std::to_string(kMostPackets) + " packets",
                   "for many packets say share:");
      return std::nullopt;
    }
    for (std::uint32_t packet = range->first; packet <= range->second; ++packet) loss.packets.push_back(packet);
  }
  if (wrong || loss.packets.empty()) return std::nullopt;
  std::ranges::sort(loss.packets);
  loss.packets.erase(std::unique(loss.packets.begin(), loss.packets.end()), loss.packets.end());
  return loss;
}

// Gilbert-Elliott: bad periods of `length` packets on average make up `share` of all; good ones last at least one
// packet.
bool can_burst(Ratio share, std::uint32_t length) {
  return std::uint64_t{share.parts_per_million} * (length + 1) <= std::uint64_t{1'000'000} * length;
}

}  // namespace

std::optional<model::Loss> read_loss(const Node& node, Problems& problems) {
  if (node.kind == Node::Kind::scalar) {
    const auto share = read_share(node, problems);
    if (!share) return std::nullopt;
    return share->parts_per_million == 0 ? model::Loss{} : model::Loss{model::RandomLoss{*share, 1}};
  }
  const Mapping map(node, kLossWords, "a loss", problems);
  if (!map.ok()) return std::nullopt;
  if (const Node* packets = map.find("packets")) {
    for (const auto other : {"share", "seed", "burst"}) {
      if (map.find(other) != nullptr) {
        problems.add(place_of_key(node, {other}), "'" + std::string(other) + "' beside 'packets'",
                     "exact packets are lost either way: leave it out");
      }
    }
    return read_packet_list(*packets, problems);
  }
  const Node* share_node = map.require("share", "{share: 1%, seed: 7} or {packets: [3, 17, 20-29]}");
  const auto share = share_node == nullptr ? std::nullopt : read_share(*share_node, problems);
  std::uint32_t seed = 1;
  if (const Node* seed_node = map.find("seed")) {
    assign(seed, read_number(*seed_node, "a seed", {0, UINT32_MAX}, problems));
  }
  const Node* burst_node = map.find("burst");
  if (burst_node == nullptr) return share ? std::optional<model::Loss>(model::RandomLoss{*share, seed}) : std::nullopt;
  const auto burst = read_number(*burst_node, "a mean length of bursts, in packets", {1, kLongestBurst}, problems);
  if (!share || !burst) return std::nullopt;
  if (!can_burst(*share, *burst)) {
    problems.add(share_node->at,
                 "a share of " + to_string(*share) + " cannot come in bursts of " + std::to_string(*burst),
                 "between two bursts at least one packet passes: longer bursts or a smaller share");
    return std::nullopt;
  }
  return model::BurstLoss{*share, *burst, seed};
}

model::Uplink read_uplink(const Node& node, const model::Uplink& before, Problems& problems) {
  model::Uplink uplink = before;
  const Mapping map(node, kUplinkWords, "an uplink", problems);
  read_direction(map, uplink.up, problems);
  read_direction(map, uplink.down, problems);
  if (const Node* mtu = map.find("mtu")) {
    assign(uplink.mtu, read_number(*mtu, "an MTU in bytes", {kSmallestMtu, kLargestMtu}, problems));
  }
  if (const Node* too_big = map.find("too-big")) {
    assign(uplink.too_big, read_word(*too_big, "what happens to the ICMP messages", kTooBig, problems));
  }
  if (const Node* up = map.find("up")) {
    read_direction(Mapping(*up, kDirectionWords, "one direction of an uplink", problems), uplink.up, problems);
  }
  if (const Node* down = map.find("down")) {
    read_direction(Mapping(*down, kDirectionWords, "one direction of an uplink", problems), uplink.down, problems);
  }
  return uplink;
}

}  // namespace crypelab::scenario
