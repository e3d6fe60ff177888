#include "harness/probe/opening.h"
#include "harness/probe/passage_dialogue.h"
#include "harness/probe/stream_attempt.h"

#include <algorithm>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace crypelab::probe {
namespace {

ReceiveBuffer& receive_buffer() {
  static ReceiveBuffer buffer;  // one thread
  return buffer;
}

// Headers of a segment with time stamps (RFC 7323).
unsigned overhead_of(const Endpoint& to) { return to.address.is_v4() ? 52 : 72; }

}  // namespace

// --- passage ---------------------------------------------------------------------------------------------------------

void StreamPassage::start(Time now) {
  begin_ = last_ = next_ = now;
  stream_.emplace(ask_.to, any_port(from_));
  outgoing_ = encode_packet({.kind = Kind::echo});
}

void StreamPassage::wait_for(std::vector<pollfd>& descriptors) const {
  descriptors.push_back({stream_->socket().get(), stream_->events(), 0});
}

void StreamPassage::ready(std::span<const pollfd> descriptors, Time now) {
  if (descriptors[0].revents == 0 || done_) return;
  stream_->ready(descriptors[0].revents);
  for (auto bytes = stream_->read(receive_buffer()); !bytes.empty(); bytes = stream_->read(receive_buffer())) {
    echoed_ += bytes.size();
    last_ = now;
    found_.time = now - begin_;
    found_.outcome = measure::Outcome::answered;
  }
  const std::uint64_t size = passage_size(ask_);
  found_.bytes.bytes = 2 * (echoed_ + echoed_ / size * overhead_of(ask_.to));
  if (found_.bytes >= ask_.bytes) done_ = true;
  if (stream_->ended() && !done_) {
    found_.ended = found_.outcome == measure::Outcome::answered;
    if (!found_.ended) found_.outcome = stream_->outcome();
    done_ = true;
  }
}

void StreamPassage::wake(Time now) {
  next_ = now + std::max<Duration>(ask_.interval, std::chrono::milliseconds(1));
  if (now - begin_ > ask_.time && found_.outcome == measure::Outcome::answered) {
    done_ = true;
  } else if (now - last_ > ask_.patience) {
    found_.ended = found_.outcome == measure::Outcome::answered;
    if (!found_.ended) found_.outcome = stream_->outcome();
    done_ = true;
  } else if (stream_->stands()) {
    outgoing_.resize(outgoing_.size() + passage_size(ask_));
    const auto written = stream_->write(outgoing_);
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(written));
    if (outgoing_.size() > 1 << 20) outgoing_.resize(1 << 20);
  }
}

// --- rate ------------------------------------------------------------------------------------------------------------

void StreamRate::start(Time /*now*/) {
  stream_.emplace(ask_.to, any_port(from_));
  if (ask_.opening) {
    outgoing_ = opening_bytes({.transport = measure::Transport::tcp,
                               .to = ask_.to,
                               .token = {},
                               .opening = ask_.opening,
                               .server_name = ask_.server_name,
                               .protocols = ask_.protocols});
  }
  const bool up = ask_.way == measure::Way::up;
  const auto header =
      up ? encode_packet({.kind = Kind::data})
         : encode_packet({.kind = Kind::source,
                          .microseconds = static_cast<std::uint64_t>(std::max<long>(ask_.time.count(), 0))});
  outgoing_.insert(outgoing_.end(), header.begin(), header.end());
  once_ = outgoing_.size();
  if (up) outgoing_.resize(once_ + (64 << 10));
}

bool StreamRate::is_sending() const {
  return stream_->stands() && !closed_ && (ask_.way == measure::Way::up || outgoing_at_ < outgoing_.size());
}

void StreamRate::wait_for(std::vector<pollfd>& descriptors) const {
  const short events = static_cast<short>(stream_->events() | (is_sending() ? POLLOUT : 0));
  descriptors.push_back({stream_->socket().get(), events, 0});
}

std::optional<Time> StreamRate::next() const {
  if (ask_.way == measure::Way::up && begin_ && !closed_) return *begin_ + ask_.time;
  return std::nullopt;
}

void StreamRate::wake(Time now) { pump(now); }

void StreamRate::pump(Time now) {
  if (!is_sending()) return;
  if (!begin_) begin_ = now;
  if (ask_.way == measure::Way::up && now - *begin_ >= ask_.time) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(stream_->socket().get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_snd_mss != 0) {
      segment_ = info.tcpi_snd_mss;
    }
    closed_ = true;
    stream_->close_writing();
    return;
  }
  for (int i = 0; i < 8 && is_sending(); ++i) {
    const auto rest = wire::Bytes(outgoing_).subspan(outgoing_at_);
    const auto written = stream_->write(rest);
    if (written == 0) break;
    sent_ += written;
    outgoing_at_ += written;
    if (outgoing_at_ == outgoing_.size() && ask_.way == measure::Way::up) {
      outgoing_at_ = once_;
    }
  }
}

void StreamRate::ready(std::span<const pollfd> descriptors, Time now) {
  if (descriptors[0].revents == 0 || done_) return;
  stream_->ready(descriptors[0].revents);
  pump(now);
  int reads = 0;
  for (auto bytes = stream_->read(receive_buffer()); !bytes.empty(); bytes = stream_->read(receive_buffer())) {
    if (ask_.way == measure::Way::down) {
      down_.note_bytes(bytes.size(), now);
    } else if (incoming_.size() < 4096) {
      incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
    }
    if (++reads == 16) break;
  }
  if (!stream_->ended()) return;
  if (ask_.way == measure::Way::up) report_ = decode_report(incoming_);
  done_ = true;
}

measure::Finding StreamRate::finding() const {
  const bool up = ask_.way == measure::Way::up;
  const auto report = up ? report_.value_or(Report{}) : down_.report(1);
  const double rate = steady_rate(report.bins) * 8;
  measure::Rated found;
  found.complete = up ? report_.has_value() : done_ && report.bytes > 0;
  found.goodput = {static_cast<std::uint64_t>(rate)};
  found.wire = {static_cast<std::uint64_t>(rate * (segment_ + overhead_of(ask_.to)) / segment_)};
  found.sent = up ? sent_ : 0;
  found.received = report.bytes;
  return found;
}

}  // namespace crypelab::probe
