#include "harness/evidence/masking.h"

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
  const auto matches = redaction_->find(wire::text_of(packet.bytes));
  const auto ip = wire::decode_frame(packet.bytes);
  if (ip) follow(held, number, *ip);
  for (const auto& match : matches) {
    note(packet, match, ip);
    for (std::size_t i = 0; i < match.size; ++i) {
      packet.bytes[match.begin + i] = static_cast<std::uint8_t>(mask_at(match.secret, match.size, i));
    }
  }
}

// The stream's tail, with this segment, as it was before anything is masked.
void Masking::follow(std::deque<HeldPacket>& held, std::uint64_t number, const wire::IpPacket& ip) {
  const auto* tcp = ip.tcp();
  const std::size_t keep = redaction_->longest() - (redaction_->longest() == 0 ? 0 : 1);
  if (tcp == nullptr || ip.payload.empty() || keep == 0) return;
  const auto& packet = held.back();
  auto& flow = flows_[{packet.interface, packet.outgoing, ip.source_endpoint(), ip.destination_endpoint()}];
  flow.used = ++clock_;
  if (flow.next != tcp->sequence) {
    flow.tail.clear();
    flow.pieces.clear();
  }
  const auto carried = flow.tail.size();
  const auto begin = static_cast<std::size_t>(ip.payload.data() - packet.bytes.data());
  const auto text = wire::text_of(ip.payload);
  const auto add = [&](std::size_t first, std::size_t last) {
    flow.tail += text.substr(first, last - first);
    flow.pieces.push_back({number + held.size() - 1, begin + first, last - first});
  };
  const auto head = std::min(text.size(), keep);
  add(0, head);
  if (carried > 0) {
    for (const auto& match : redaction_->find(flow.tail)) {
      if (match.begin >= carried || match.begin + match.size <= carried) continue;  // seen, or to be seen, in one piece
      note(packet, match, ip);
      cover(held, number, flow.pieces, match);
    }
  }
  if (text.size() > head) add(std::max(head, text.size() - std::min(text.size() - head, keep)), text.size());
  if (flow.tail.size() > keep) {
    auto old = flow.tail.size() - keep;
    flow.tail.erase(0, old);
    auto piece = flow.pieces.begin();
    for (; piece->size <= old; ++piece) old -= piece->size;
    piece->offset += old;
    piece->size -= old;
    flow.pieces.erase(flow.pieces.begin(), piece);
  }
  // Cut off by the snap length: the stream goes on after the hole.
  flow.next = ip.truncated ? tcp->sequence - 1 : tcp->sequence + static_cast<std::uint32_t>(text.size());
  make_room();
}

void Masking::cover(std::deque<HeldPacket>& held, std::uint64_t number, const std::vector<Piece>& pieces,
                    const Redaction::Match& match) {
  std::size_t position = 0;  // of the piece in the tail
  for (const auto& piece : pieces) {
    const auto first = std::max(position, match.begin);
    const auto last = std::min(position + piece.size, match.begin + match.size);
    const bool has_left = piece.packet < number || held[piece.packet - number].bytes.empty();
    for (auto i = first; i < last && !has_left; ++i) {
      held[piece.packet - number].bytes[piece.offset + i - position] =
          static_cast<std::uint8_t>(mask_at(match.secret, match.size, i - match.begin));
    }
    position += piece.size;
  }
}

void Masking::note(const HeldPacket& packet, const Redaction::Match& match, const std::optional<wire::IpPacket>& ip) {
  std::string from;
  std::string to;
  if (ip && (ip->tcp() != nullptr || ip->udp() != nullptr)) {
    from = crypelab::to_string(ip->source_endpoint());
    to = crypelab::to_string(ip->destination_endpoint());
  }
  const bool known = std::ranges::any_of(sightings_, [&](const Sighting& seen) {
    return seen.interface == packet.interface && seen.secret == match.secret && seen.from == from && seen.to == to;
  });
  if (known || sightings_.size() >= kMostSightings) return;
  sightings_.push_back({packet.at, packet.interface, std::string(match.secret), std::move(from), std::move(to)});
}

void Masking::make_room() {
  if (flows_.size() <= kMostFlows) return;
  flows_.erase(std::ranges::min_element(flows_, {}, [](const auto& entry) { return entry.second.used; }));
}

}  // namespace crypelab::evidence
