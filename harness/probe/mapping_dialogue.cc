#include "harness/probe/mapping_dialogue.h"

#include <algorithm>
#include <cstdlib>

namespace crypelab::probe {
namespace {

using measure::Dependence;
using measure::PortChoice;

// Ports that follow one another differ by little, also where other flows take some in between or a small pool wraps
// around. Of 9 random ports of 20,000 that happens to none in a thousand.
constexpr int kNear = 16;

std::optional<PortChoice> choice_of(const std::vector<std::pair<std::uint16_t, std::uint16_t>>& ports) {
  if (ports.size() < 4) return std::nullopt;
  const auto preserved = std::ranges::count_if(ports, [](const auto& port) { return port.first == port.second; });
  if (4 * preserved >= 3 * static_cast<long>(ports.size())) return PortChoice::preserved;
  std::size_t near = 0;
  for (std::size_t i = 1; i < ports.size(); ++i) {
    if (std::abs(int{ports[i].second} - int{ports[i - 1].second}) <= kNear) ++near;
  }
  return 2 * near > ports.size() - 1 ? PortChoice::sequential : PortChoice::random;
}

}  // namespace

std::array<Endpoint, 4> corners(const Endpoint& server, const Endpoint& other) {
  return {server, Endpoint{other.address, server.port}, Endpoint{server.address, other.port}, other};
}

measure::Mapped conclude(const MappingEvidence& evidence) {
  measure::Mapped found;
  found.local = evidence.local;
  found.external = evidence.seen[0];
  if (!found.external) return found;
  found.nat = *found.external != evidence.local;
  if (std::ranges::all_of(evidence.seen, [](const auto& seen) { return seen.has_value(); })) {
    const auto& [server, other_address, other_port, both] = evidence.seen;
    if (*server == *other_address && *server == *other_port && *server == *both) {
      found.mapping = Dependence::endpoint_independent;
    } else if (*server == *other_port && *other_address == *both) {
      found.mapping = Dependence::address;
    } else {
      found.mapping = Dependence::address_and_port;
    }
  }
  found.ports = choice_of(evidence.ports);
  return found;
}

void MappingDialogue::start(const std::vector<Endpoint>& locals, Time now) {
  locals_ = locals;
  wake(now);
}

void MappingDialogue::wake(Time now) {
  for (std::uint16_t i = 0; i < seen_.size(); ++i) {
    if (seen_[i]) continue;
    send(i < 4 ? 0 : i - 3u, i < 4 ? corners_[i] : corners_[0], binding_request(transactions_.at(i)));
  }
  retry_.sent(now);
}

void MappingDialogue::receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time /*now*/) {
  const auto binding = parse_binding(bytes);
  const auto index = binding ? transactions_.index_of(binding->transaction) : std::nullopt;
  if (!index || *index >= seen_.size() || socket != (*index < 4 ? 0 : *index - 3u)) return;
  if (from == (*index < 4 ? corners_[*index] : corners_[0])) seen_[*index] = binding->mapped;
}

bool MappingDialogue::done() const {
  return std::ranges::all_of(seen_, [](const auto& seen) { return seen.has_value(); });
}

measure::Finding MappingDialogue::finding() const {
  MappingEvidence evidence;
  if (!locals_.empty()) evidence.local = locals_[0];
  std::copy_n(seen_.begin(), 4, evidence.seen.begin());
  for (std::size_t i = 4; i < seen_.size(); ++i) {
    if (seen_[i]) evidence.ports.emplace_back(locals_[i - 3].port, seen_[i]->port);
  }
  return conclude(evidence);
}

}  // namespace crypelab::probe
