#include "harness/impair/link_message.h"

#include <algorithm>
#include <limits>

namespace crypelab::impair {
namespace {

// Every field is one number, seven bits a byte, lowest first (LEB128).
class Writer {
 public:
  void put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  void put(Duration value) { put(static_cast<std::uint64_t>(value.count())); }
  void put(Ratio value) { put(std::uint64_t{value.parts_per_million}); }
  void put(const std::optional<std::uint64_t>& value) {
    put(std::uint64_t{value.has_value()});
    if (value) put(*value);
  }
  void put(std::string_view text) {
    put(std::uint64_t{text.size()});
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Reads zero for ever after the first error; the caller asks done() once.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t number(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max()) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; ok_; shift += 7) {
      if (bytes_.empty() || shift > 63 || (shift == 63 && bytes_[0] > 1)) break;
      const std::uint8_t byte = bytes_[0];
      bytes_ = bytes_.subspan(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) {
        if (value > limit) break;
        return value;
      }
    }
    ok_ = false;
    return 0;
  }
  Duration duration() { return Duration(number(std::numeric_limits<std::int64_t>::max() / 1000)); }
  Ratio ratio() { return Ratio{static_cast<std::uint32_t>(number(1'000'000))}; }
  bool flag() { return number(1) == 1; }
  std::optional<std::uint64_t> optional() { return flag() ? std::optional(number()) : std::nullopt; }
  // A count of things that take at least one byte each.
  std::size_t count() { return number(bytes_.size()); }
  std::string text() {
    const std::size_t size = count();
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    std::string text(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    bytes_ = bytes_.subspan(size);
    return text;
  }
  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

constexpr std::uint64_t kSet = 1;
constexpr std::uint64_t kRead = 2;

void put_loss(Writer& out, const RandomLoss& loss) {
  out.put(std::uint64_t{loss.index()});
  if (const auto* independent = std::get_if<IndependentLoss>(&loss)) out.put(independent->share);
  if (const auto* burst = std::get_if<BurstLoss>(&loss)) {
    out.put(burst->good_to_bad);
    out.put(burst->bad_to_good);
    out.put(burst->loss_in_good);
    out.put(burst->loss_in_bad);
  }
}

RandomLoss read_loss(Reader& in) {
  switch (in.number(2)) {
    case 1:
      return IndependentLoss{in.ratio()};
    case 2: {
      BurstLoss burst;
      burst.good_to_bad = in.ratio();
      burst.bad_to_good = in.ratio();
      burst.loss_in_good = in.ratio();
      burst.loss_in_bad = in.ratio();
      return burst;
    }
    default:
      return std::monostate{};
  }
}

void put_impairment(Writer& out, const Impairment& value) {
  out.put(value.seed);
  out.put(value.delay);
  out.put(value.jitter.spread);
  out.put(static_cast<std::uint64_t>(value.jitter.distribution));
  out.put(std::uint64_t{value.jitter.may_reorder});
  out.put(value.reordering.share);
  out.put(value.reordering.extra);
  put_loss(out, value.loss);
  out.put(std::uint64_t{value.lost_packets.size()});
  for (const auto& range : value.lost_packets) {
    out.put(range.first);
    out.put(range.last);
  }
  out.put(value.duplication);
  out.put(value.rate ? std::optional(value.rate->bits_per_second) : std::nullopt);
  out.put(std::uint64_t{value.trace ? value.trace->milliseconds().size() : 0});
  std::uint32_t before = 0;
  for (std::size_t i = 0; value.trace && i < value.trace->milliseconds().size(); ++i) {
    out.put(std::uint64_t{value.trace->milliseconds()[i] - before});
    before = value.trace->milliseconds()[i];
  }
  out.put(value.queue.bytes ? std::optional(value.queue.bytes->bytes) : std::nullopt);
  out.put(value.queue.packets);
  out.put(value.mtu ? std::optional(value.mtu->bytes) : std::nullopt);
}

Impairment read_impairment(Reader& in) {
  Impairment value;
  value.seed = in.number();
  value.delay = in.duration();
  value.jitter.spread = in.duration();
  value.jitter.distribution = static_cast<Distribution>(in.number(1));
  value.jitter.may_reorder = in.flag();
  value.reordering.share = in.ratio();
  value.reordering.extra = in.duration();
  value.loss = read_loss(in);
  for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
    const std::uint64_t first = in.number();
    value.lost_packets.push_back({first, in.number()});
  }
  value.duplication = in.ratio();
  if (const auto rate = in.optional()) value.rate = BitRate{*rate};
  std::vector<std::uint32_t> times;
  std::uint64_t time = 0;
  for (std::size_t left = in.count(); left > 0 && in.ok(); --left) {
    time += in.number(DeliveryTrace::kMaxMilliseconds);
    if (time > DeliveryTrace::kMaxMilliseconds) in.fail();
    times.push_back(static_cast<std::uint32_t>(time));
  }
  if (!times.empty()) {
    auto trace = DeliveryTrace::of(std::move(times));
    if (trace) {
      value.trace = std::move(*trace);
    } else {
      in.fail();
    }
  }
  if (const auto bytes = in.optional()) value.queue.bytes = ByteCount{*bytes};
  value.queue.packets = in.optional();
  if (const auto mtu = in.optional()) value.mtu = ByteCount{*mtu};
  return value;
}

}  // namespace

std::vector<std::uint8_t> encode(const LinkRequest& request) {
  Writer out;
  if (const auto* set = std::get_if<SetImpairment>(&request)) {
    out.put(kSet);
    out.put(std::uint64_t{set->link});
    out.put(static_cast<std::uint64_t>(set->direction));
    out.put(static_cast<std::uint64_t>(std::max(set->at, Time::zero()).count()));
    put_impairment(out, set->impairment);
  } else {
    const auto& read = std::get<ReadCounters>(request);
    out.put(kRead);
    out.put(std::uint64_t{read.link});
    out.put(static_cast<std::uint64_t>(read.direction));
  }
  return out.take();
}

std::vector<std::uint8_t> encode(const LinkReply& reply) {
  Writer out;
  out.put(std::string_view(reply.complaint));
  out.put(std::uint64_t{reply.counters.has_value()});
  for (const auto& field : kCounterFields) {
    if (reply.counters) out.put((*reply.counters).*field.member);
  }
  return out.take();
}

Result<LinkRequest> decode_link_request(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  const std::uint64_t kind = in.number();
  const auto link = static_cast<std::uint32_t>(in.number(std::numeric_limits<std::uint32_t>::max()));
  const auto direction = static_cast<Direction>(in.number(1));
  if (kind == kSet) {
    const Time at(static_cast<std::int64_t>(in.number(std::numeric_limits<std::int64_t>::max())));
    SetImpairment set{link, direction, at, read_impairment(in)};
    if (in.done()) return LinkRequest{std::move(set)};
  } else if (kind == kRead && in.done()) {
    return LinkRequest{ReadCounters{link, direction}};
  }
  return Complaint{"malformed request to the link engine"};
}

Result<LinkReply> decode_link_reply(std::span<const std::uint8_t> bytes) {
  Reader in(bytes);
  LinkReply reply;
  reply.complaint = in.text();
  if (in.flag()) {
    reply.counters.emplace();
    for (const auto& field : kCounterFields) (*reply.counters).*field.member = in.number();
  }
  if (!in.done()) return Complaint{"malformed reply of the link engine"};
  return reply;
}

}  // namespace crypelab::impair
