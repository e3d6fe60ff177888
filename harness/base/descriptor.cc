#include "harness/base/descriptor.h"

#include "harness/base/error.h"

#include <fcntl.h>
#include <unistd.h>

namespace crypelab {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Descriptor::~Descriptor() { close(); }

void Descriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_errno("make a pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  if (fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("make a pipe");
  return pipe;
}

Descriptor checked(int fd, const char* what) {
  if (fd < 0) throw_errno(what);
  return Descriptor(fd);
}

}  // namespace crypelab
