#include "harness/impair/impairment.h"

#include <algorithm>
#include <string>

namespace crypelab::impair {
namespace {

constexpr Duration kLongest = std::chrono::minutes(1);
constexpr std::size_t kMaxRanges = 10'000;
constexpr std::uint64_t kFullFrame = 1514;

bool is_share(Ratio ratio) { return ratio.parts_per_million <= 1'000'000; }
bool is_delay(Duration duration) { return duration >= Duration::zero() && duration <= kLongest; }

bool has_shares(const RandomLoss& loss) {
  if (const auto* independent = std::get_if<IndependentLoss>(&loss)) return is_share(independent->share);
  if (const auto* burst = std::get_if<BurstLoss>(&loss)) {
    return is_share(burst->good_to_bad) && is_share(burst->bad_to_good) && is_share(burst->loss_in_good) &&
           is_share(burst->loss_in_bad);
  }
  return true;
}

}  // namespace

std::optional<Complaint> complaint_about(const Impairment& impairment) {
  if (!is_delay(impairment.delay) || !is_delay(impairment.jitter.spread) || !is_delay(impairment.reordering.extra)) {
    return Complaint{"delay, jitter and reordering lie between 0 and 1 minute"};
  }
  if (!has_shares(impairment.loss) || !is_share(impairment.duplication) || !is_share(impairment.reordering.share)) {
    return Complaint{"shares of loss, duplication and reordering lie between 0% and 100%"};
  }
  if (impairment.reordering.share.parts_per_million > 0 && impairment.reordering.extra == Duration::zero()) {
    return Complaint{"reordering needs an extra delay: packets that are held back for nothing are not overtaken"};
  }
  const auto& ranges = impairment.lost_packets;
  if (ranges.size() > kMaxRanges) return Complaint{"a packet list has at most 10000 entries"};
  if (std::any_of(ranges.begin(), ranges.end(), [](const auto& r) { return r.first == 0 || r.last < r.first; })) {
    return Complaint{"a packet list counts from 1, and a range ends where it begins or later"};
  }
  if (impairment.rate && impairment.trace) return Complaint{"a direction has a rate or a trace, not both"};
  if (impairment.rate &&
      (impairment.rate->bits_per_second == 0 || impairment.rate->bits_per_second > 100'000'000'000)) {
    return Complaint{"a rate lies between 1 bit/s and 100 Gbit/s; lose 100% to carry nothing"};
  }
  const auto& queue = impairment.queue;
  if ((queue.bytes || queue.packets) && !impairment.rate && !impairment.trace) {
    return Complaint{"a queue needs a rate or a trace: packets do not wait on a link without a bottleneck"};
  }
  if ((queue.bytes && queue.bytes->bytes == 0) || (queue.packets && *queue.packets == 0)) {
    return Complaint{"a queue has room for at least one byte or packet"};
  }
  if (impairment.mtu && impairment.mtu->bytes < 68) return Complaint{"an MTU is at least 68 bytes (RFC 791)"};
  return std::nullopt;
}

bool acts_on_single_packets(const Impairment& impairment) {
  return impairment.loss.index() != 0 || !impairment.lost_packets.empty() ||
         impairment.duplication.parts_per_million > 0 || impairment.reordering.share.parts_per_million > 0 ||
         impairment.jitter.spread > Duration::zero() || impairment.rate || impairment.trace || impairment.mtu;
}

QueueLimit effective_queue(const Impairment& impairment) {
  if (impairment.queue.bytes || impairment.queue.packets) return impairment.queue;
  QueueLimit limit;
  if (impairment.rate || impairment.trace) {
    const BitRate rate = impairment.rate ? *impairment.rate : impairment.trace->average();
    limit.bytes = ByteCount{std::max(rate.bits_per_second / 8 / 10, 10 * kFullFrame)};
  }
  return limit;
}

}  // namespace crypelab::impair
