#include "clients/signaling/event_log.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace crypelab::signaling {

EventLog::EventLog(int descriptor, std::size_t largest) : descriptor_(descriptor), largest_(largest) {
  struct stat status {};
  regular_ = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

EventLog::Line EventLog::line(std::string_view event) {
  if (dead_) return Line(nullptr);
  if (waiting_.size() >= largest_) {
    ++lost_;
    return Line(nullptr);
  }
  const auto t =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_).count();
  if (lost_ > 0) {
    fmt::format_to(std::back_inserter(waiting_), "{{\"event\":\"log-lost\",\"t\":{},\"lines\":{}}}\n", t, lost_);
    lost_ = 0;
  }
  fmt::format_to(std::back_inserter(waiting_), R"({{"event":"{}","t":{})", event, t);
  return Line(&waiting_);
}

void EventLog::flush() {
  // POLLOUT on a pipe promises that PIPE_BUF bytes fit (pipe(7)); the descriptor is shared with others, so that it
  // cannot be made non-blocking.
  std::size_t done = 0;
  while (done < waiting_.size() && !dead_) {
    pollfd ready{descriptor_, POLLOUT, 0};
    if (poll(&ready, 1, 0) != 1) break;
    const std::size_t piece = std::min<std::size_t>(waiting_.size() - done, regular_ ? waiting_.size() : PIPE_BUF);
    const ssize_t n = write(descriptor_, waiting_.data() + done, piece);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      dead_ = true;
    }
  }
  if (dead_) {
    waiting_.clear();
  } else {
    waiting_.erase(0, done);
  }
}

void EventLog::finish(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  flush();
  while (pending()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{descriptor_, POLLOUT, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) return;
    flush();
  }
}

}  // namespace crypelab::signaling
