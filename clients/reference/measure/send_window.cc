#include "clients/reference/measure/send_window.h"

#include <algorithm>

namespace crypelab::client::measure {

void SendWindow::took(std::size_t bytes, Time now) {
  if (samples_.empty()) samples_.push_back({now, 0});
  if (refused_) {
    // There was no room and now there is: what waits is as much as there is room for.
    const std::uint64_t drained = taken_ - std::min(taken_, room_);
    if (now >= samples_.back().at + step) samples_.push_back({now, drained});
    while (samples_.size() > 1 && samples_[1].at + span <= now) samples_.pop_front();
    room_ = std::max(least, drained - std::min(samples_.front().drained, drained));
    refused_ = false;
  }
  taken_ += bytes;
}

}  // namespace crypelab::client::measure
