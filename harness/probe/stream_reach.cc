#include "harness/probe/opening.h"
#include "harness/probe/stream_attempt.h"

namespace crypelab::probe {
void StreamBinding::ready(short revents) {
  stream_.ready(revents);
  if (!stream_.stands() || done()) return;
  if (!asked_) {
    asked_ = true;
    const auto request = binding_request(transaction_);
    opening_.insert(opening_.end(), request.begin(), request.end());
    stream_.write(opening_);  // the first bytes of a connection always fit
  }
  static ReceiveBuffer buffer;  // one thread
  for (auto bytes = stream_.read(buffer); !bytes.empty(); bytes = stream_.read(buffer)) {
    incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
    if (incoming_.size() > 2048) break;  // no answer to a Binding request
  }
  if (incoming_.size() < wire::stun_header_size) return;
  const std::size_t size = wire::stun_header_size + wire::load<std::uint16_t>(incoming_, 2);
  if (incoming_.size() < size) return;
  const auto binding = parse_binding(wire::Bytes(incoming_).first(size));
  if (binding && binding->transaction == transaction_) mapped_ = binding->mapped;
}

void StreamReach::start(Time /*now*/) { binding_.emplace(ask_.to, token_, any_port(from_), opening_bytes(ask_)); }

void StreamReach::wait_for(std::vector<pollfd>& descriptors) const {
  const auto& stream = binding_->stream();
  descriptors.push_back({stream.socket().get(), stream.events(), 0});
}

void StreamReach::ready(std::span<const pollfd> descriptors, Time /*now*/) {
  if (descriptors[0].revents != 0) binding_->ready(descriptors[0].revents);
}

measure::Finding StreamReach::finding() const {
  measure::Reached found;
  if (!binding_) return found;
  found.local = binding_->stream().local();
  found.outcome = binding_->mapped() ? measure::Outcome::answered : binding_->stream().outcome();
  found.seen = binding_->mapped();
  found.icmp_from = binding_->stream().icmp_from();
  return found;
}

void StreamMapping::start(Time /*now*/) {
  std::optional<Endpoint> local = any_port(from_);
  if (!local) {
    if (const auto source = source_towards(corners_[0])) local = Endpoint{*source, 0};
  }
  for (std::uint16_t i = 0; i < 4 + MappingDialogue::further_sockets; ++i) {
    if (i == 4 && local) local->port = 0;
    bindings_.push_back(std::make_unique<StreamBinding>(i < 4 ? corners_[i] : corners_[0], transactions_.at(i), local));
    if (i == 0) local = bindings_[0]->stream().local();
  }
}

void StreamMapping::wait_for(std::vector<pollfd>& descriptors) const {
  for (const auto& binding : bindings_) {
    const auto& stream = binding->stream();
    descriptors.push_back({binding->done() ? -1 : stream.socket().get(), stream.events(), 0});
  }
}

void StreamMapping::ready(std::span<const pollfd> descriptors, Time /*now*/) {
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (descriptors[i].revents != 0) bindings_[i]->ready(descriptors[i].revents);
  }
}

bool StreamMapping::done() const {
  for (const auto& binding : bindings_) {
    if (!binding->done()) return false;
  }
  return !bindings_.empty();
}

measure::Finding StreamMapping::finding() const {
  MappingEvidence evidence;
  for (std::size_t i = 0; i < bindings_.size(); ++i) {
    const auto& binding = *bindings_[i];
    if (i == 0) evidence.local = binding.stream().local().value_or(Endpoint{});
    if (i < 4) {
      evidence.seen[i] = binding.mapped();
    } else if (binding.mapped() && binding.stream().local()) {
      evidence.ports.emplace_back(binding.stream().local()->port, binding.mapped()->port);
    }
  }
  return conclude(evidence);
}

}  // namespace crypelab::probe
