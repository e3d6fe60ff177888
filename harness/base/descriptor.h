#pragma once

#include <utility>

namespace crypelab {

// Owns one file descriptor; closes it when destroyed. Every descriptor that the lab opens is CLOEXEC: what leaks into a
// program under test is a hole in the lab.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives the descriptor up without closing it.
  int release() { return std::exchange(fd_, -1); }
  void close();

 private:
  int fd_ = -1;
};

// A pipe, both ends CLOEXEC; reading does not block. Throws Failure.
struct Pipe {
  Descriptor reading;
  Descriptor writing;
};
Pipe make_pipe();

// `fd` as returned by a system call: throws Failure "what: reason" when it is negative.
Descriptor checked(int fd, const char* what);

}  // namespace crypelab
