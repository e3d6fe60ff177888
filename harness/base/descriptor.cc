#include "harness/base/descriptor.h"

#include "harness/base/error.h"

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

Descriptor checked(int fd, const char* what) {
  if (fd < 0) throw_errno(what);
  return Descriptor(fd);
}

}  // namespace crypelab
