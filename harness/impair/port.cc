#include "harness/impair/port.h"

#include "harness/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace crypelab::impair {
namespace {

// Older arrival times are not believed: the wall clock was set meanwhile.
constexpr Time kOldest = std::chrono::milliseconds(100);

// How long an interface without carrier is taken to be down before it is asked again.
constexpr Time kDownFor = std::chrono::milliseconds(10);

Time read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + Time(now.tv_nsec);
}

// The kernel stamps packets with the wall clock; 0 when it did not.
Time stamp_of(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp;
      std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      return std::chrono::seconds(stamp.tv_sec) + Time(stamp.tv_nsec);
    }
  }
  return Time::zero();
}

}  // namespace

Time monotonic_now() { return read_clock(CLOCK_MONOTONIC); }

ReceiveBatch::ReceiveBatch() {
  for (std::size_t i = 0; i < kFrames; ++i) {
    frames_[i] = Frame::with_capacity(kLargest);
    messages_[i].msg_hdr.msg_iov = &vectors_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = controls_[i].bytes.data();
  }
}

Port::Port(LinkEnd end, const Descriptor& route) : end_(std::move(end)), last_(interface_state(route, end_.index)) {}

bool Port::receive(ReceiveBatch& batch, std::vector<Arrival>& out) {
  for (std::size_t i = 0; i < ReceiveBatch::kFrames; ++i) {
    batch.vectors_[i] = {batch.frames_[i].data(), ReceiveBatch::kLargest};
    batch.messages_[i].msg_hdr.msg_controllen = ReceiveBatch::kControl;
    batch.messages_[i].msg_hdr.msg_flags = 0;
  }
  const int got = ::recvmmsg(socket(), batch.messages_.data(), ReceiveBatch::kFrames, MSG_DONTWAIT, nullptr);
  if (got < 0) {
    // EINVAL: an aggregate that the vnet header cannot describe. ENETDOWN: told once when the interface goes down.
    if (errno == EINVAL) ++receive_refused_;
    return errno == EINVAL || errno == EINTR;
  }
  const Time now = monotonic_now();
  const Time offset = now - read_clock(CLOCK_REALTIME);
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    auto& message = batch.messages_[i];
    const std::size_t size = message.msg_len;
    if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0 || size <= Frame::kVnetHeader) {
      ++receive_refused_;
      continue;
    }
    Frame& slot = batch.frames_[i];
    slot.resize(size);
    Arrival arrival;
    // A large frame takes its buffer along, a small one would waste it.
    if (size > ReceiveBatch::kLargest / 2) {
      arrival.frame = std::exchange(slot, Frame::with_capacity(ReceiveBatch::kLargest));
    } else {
      arrival.frame = Frame::copy_of(slot.bytes());
    }
    arrival.time = stamp_of(message.msg_hdr) + offset;
    if (arrival.time > now || arrival.time < now - kOldest) arrival.time = now;
    out.push_back(std::move(arrival));
  }
  return got > 0;
}

void Port::send(std::span<Frame> frames) {
  constexpr std::size_t kBatch = 64;
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
  while (!frames.empty()) {
    const std::size_t count = std::min(frames.size(), kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {frames[i].data(), frames[i].bytes().size()};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int sent = ::sendmmsg(socket(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) count_failure(errno);  // of the first frame
    frames = frames.subspan(static_cast<std::size_t>(std::max(sent, 1)));
  }
}

void Port::count_failure(int error) {
  if (error == ENOBUFS) ++refused_;
  const Time now = monotonic_now();
  if (error == ENOBUFS && now >= down_until_ && !end_.has_carrier()) down_until_ = now + kDownFor;
  if (error == ENETDOWN || error == ENXIO || error == ENODEV || now < down_until_) {
    ++interface_down_;
  } else {
    ++send_refused_;
  }
}

void Port::count_receiving(LinkCounters& counters) {
  tpacket_stats statistics{};
  socklen_t size = sizeof statistics;
  // Reading resets the kernel's counters.
  if (::getsockopt(socket(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0) {
    receive_missed_ += statistics.tp_drops;
  }
  counters.receive_missed += receive_missed_;
  counters.receive_refused += receive_refused_;
}

void Port::count_sending(LinkCounters& counters, const Descriptor& route) {
  const InterfaceState state = interface_state(route, end_.index);
  const std::uint64_t known = last_.dropped + refused_ - refused_before_;
  const std::uint64_t silent = state.dropped > known ? state.dropped - known : 0;
  (state.downs != last_.downs ? interface_down_ : send_dropped_) += silent;
  if (state.dropped >= last_.dropped) last_ = state;  // not when the interface is gone
  refused_before_ = refused_;
  counters.send_refused += send_refused_;
  counters.send_dropped += send_dropped_;
  counters.interface_down += interface_down_;
}

}  // namespace crypelab::impair
