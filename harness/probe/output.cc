#include "harness/probe/output.h"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace crypelab::probe {

bool Output::flush() {
  std::size_t at = 0;
  while (at < buffer_.size()) {
    const auto size = ::write(STDOUT_FILENO, buffer_.data() + at, buffer_.size() - at);
    if (size > 0) {
      at += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN) {
      pollfd full{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&full, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  buffer_.clear();
  return true;
}

}  // namespace crypelab::probe
