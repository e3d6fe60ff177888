#include "harness/evidence/masking.h"

#include "harness/wire/packet.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::evidence {
namespace {

constexpr std::size_t kMostSightings = 1000;

// What stands in the place of a secret.
char mask_at(std::string_view secret, std::size_t size, std::size_t position) {
  constexpr std::string_view opening = "[secret:";
  if (size < opening.size() + secret.size() + 1) return '*';
  if (position < opening.size()) return opening[position];
  if (position < opening.size() + secret.size()) return secret[position - opening.size()];
  return position == opening.size() + secret.size() ? ']' : '*';
}

}  // namespace

void Masking::mask(std::deque<HeldPacket>& held, std::uint64_t number) {
  auto& packet = held.back();
  const std::uint64_t own = number + held.size() - 1;
  const auto whole = wire::text_of(packet.bytes);
  const auto ip = wire::decode_frame(packet.bytes);
  const auto* tcp = ip ? ip->tcp() : nullptr;
  std::string from;
  std::string to;
  if (ip && (tcp != nullptr || ip->udp() != nullptr)) {
    from = crypelab::to_string(ip->source_endpoint());
    to = crypelab::to_string(ip->destination_endpoint());
  }
  const auto matches = redaction_->find(whole);
  std::string tail;  // of the stream, with this segment, before anything is masked
  std::vector<Place> places;
  const std::size_t keep = redaction_->longest() - (redaction_->longest() == 0 ? 0 : 1);
  if (tcp != nullptr && !ip->payload.empty() && keep > 0) {
    auto& flow = flows_[{packet.interface, packet.outgoing, from, to}];
    flow.used = ++clock_;
    if (flow.next == tcp->sequence) {
      tail = std::move(flow.tail);
      places = std::move(flow.places);
    }
    const auto carried = tail.size();
    const auto begin = static_cast<std::uint32_t>(ip->payload.data() - packet.bytes.data());
    const auto text = wire::text_of(ip->payload);
    const auto add = [&](std::size_t first, std::size_t last) {
      tail += text.substr(first, last - first);
      for (auto i = first; i < last; ++i) places.push_back({own, begin + static_cast<std::uint32_t>(i)});
    };
    const auto head = std::min(text.size(), keep);
    add(0, head);
    if (carried > 0) {
      for (const auto& match : redaction_->find(tail)) {
        if (match.begin >= carried || match.begin + match.size <= carried)
          continue;  // seen, or to be seen, in one piece
        note(packet, match, from, to);
        cover(held, number, places, match);
      }
    }
    if (text.size() > head) add(std::max(head, text.size() - std::min(text.size() - head, keep)), text.size());
    if (tail.size() > keep) {
      places.erase(places.begin(), places.end() - static_cast<std::ptrdiff_t>(keep));
      tail.erase(0, tail.size() - keep);
    }
    // Cut off by the snap length: the stream goes on after the hole.
    flow.next = ip->truncated ? tcp->sequence - 1 : tcp->sequence + static_cast<std::uint32_t>(text.size());
    flow.tail = std::move(tail);
    flow.places = std::move(places);
    make_room();
  }
  for (const auto& match : matches) {
    note(packet, match, from, to);
    for (std::size_t i = 0; i < match.size; ++i) {
      packet.bytes[match.begin + i] = static_cast<std::uint8_t>(mask_at(match.secret, match.size, i));
    }
  }
}

void Masking::cover(std::deque<HeldPacket>& held, std::uint64_t number, const std::vector<Place>& places,
                    const Redaction::Match& match) {
  for (std::size_t i = 0; i < match.size; ++i) {
    const auto& place = places[match.begin + i];
    if (place.packet < number || held[place.packet - number].bytes.empty()) continue;  // has left
    held[place.packet - number].bytes[place.offset] = static_cast<std::uint8_t>(mask_at(match.secret, match.size, i));
  }
}

void Masking::note(const HeldPacket& packet, const Redaction::Match& match, const std::string& from,
                   const std::string& to) {
  const bool known = std::ranges::any_of(sightings_, [&](const Sighting& seen) {
    return seen.interface == packet.interface && seen.secret == match.secret && seen.from == from && seen.to == to;
  });
  if (known || sightings_.size() >= kMostSightings) return;
  sightings_.push_back({packet.at, packet.interface, std::string(match.secret), from, to});
}

void Masking::make_room() {
  if (flows_.size() <= kMostFlows) return;
  flows_.erase(std::ranges::min_element(flows_, {}, [](const auto& entry) { return entry.second.used; }));
}

}  // namespace crypelab::evidence
