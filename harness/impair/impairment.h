#pragma once

#include "harness/base/units.h"
#include "harness/impair/delivery_trace.h"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace crypelab::impair {

// Each packet is lost on its own.
struct IndependentLoss {
  Ratio share;
  bool operator==(const IndependentLoss&) const = default;
};

// Gilbert-Elliott: a good and a bad state; before each packet the state may change, then the packet is lost with the
// share of its state. A burst in the bad state is 1/bad_to_good packets long on average; starts in the good state.
struct BurstLoss {
  Ratio good_to_bad;
  Ratio bad_to_good;
  Ratio loss_in_good;
  Ratio loss_in_bad{1'000'000};
  bool operator==(const BurstLoss&) const = default;
};

using RandomLoss = std::variant<std::monostate, IndependentLoss, BurstLoss>;

// Packets `first` to `last`, both included; the first packet is number 1.
struct PacketRange {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  bool operator==(const PacketRange&) const = default;
};

enum class Distribution : std::uint8_t {
  uniform,  // from -spread to +spread
  normal,   // standard deviation `spread`, never beyond 6 of them
};

struct Jitter {
  Duration spread{};
  Distribution distribution = Distribution::uniform;
  bool may_reorder = false;  // false: a packet waits for the ones before it
  bool operator==(const Jitter&) const = default;
};

// `share` of the packets are held back for `extra` beyond the delay, and overtaken by those behind them.
struct Reordering {
  Ratio share;
  Duration extra{};
  bool operator==(const Reordering&) const = default;
};

// The room in front of the bottleneck, counting the packet that is being sent. When a packet does not fit it is dropped
// (drop-tail); an empty queue takes any packet. Without either limit: 100 ms of the rate, at least ten full packets.
struct QueueLimit {
  std::optional<ByteCount> bytes;
  std::optional<std::uint64_t> packets;
  bool operator==(const QueueLimit&) const = default;
};

// What one direction of a link does to its packets. The default does nothing.
//
// A packet meets, in this order: the MTU, the packet list, random loss, duplication, the queue, the rate or trace,
// delay with jitter and reordering. Packets are numbered from 1 in order of arrival since this impairment was set, and
// everything random is a function of (seed, number), so the same packets share the same fate in every run. ARP,
// neighbour discovery, MLD, IGMP and whatever is not IP are neither numbered nor lost, duplicated, jittered or
// reordered: their number depends on timers of the kernel, and would make every list and seed drift. They wait in the
// queue and are delayed like the rest.
struct Impairment {
  std::uint64_t seed = 1;
  Duration delay{};
  Jitter jitter;
  Reordering reordering;
  RandomLoss loss;
  std::vector<PacketRange> lost_packets;  // lost whatever `loss` says; any order
  Ratio duplication;                      // the copy follows its original and costs rate and queue like it
  std::optional<BitRate> rate;            // of Ethernet frames without preamble and check sequence, as tc(8) counts
  std::optional<DeliveryTrace> trace;     // instead of `rate`
  QueueLimit queue;                       // only with a rate or a trace
  std::optional<ByteCount> mtu;           // IP packets above it vanish, without ICMP: a black hole

  bool operator==(const Impairment&) const = default;
};

// Why this impairment cannot be: a share above 1, both a rate and a trace, a rate of nothing, an empty range, a queue
// without a rate, a delay above a minute, an MTU below 68 (RFC 791), more than 10000 ranges ...
std::optional<Complaint> complaint_about(const Impairment& impairment);

// Whether packets must come as they are on the wire. Without it a segmentation-offload frame may pass whole.
bool acts_on_single_packets(const Impairment& impairment);

// The queue in front of the bottleneck, with the default filled in.
QueueLimit effective_queue(const Impairment& impairment);

}  // namespace crypelab::impair
