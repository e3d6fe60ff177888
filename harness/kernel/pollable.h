#pragma once

#include <vector>

#include <poll.h>

namespace crypelab::kernel {

// Something that waits for descriptors beside others, in whoever's poll(2) loop.
class Pollable {
 public:
  Pollable() = default;
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;
  virtual ~Pollable() = default;
  // Adds what it waits for now.
  virtual void want(std::vector<pollfd>& into) = 0;
  // Does what can be done without waiting; called after each poll.
  virtual void ready() = 0;
};

}  // namespace crypelab::kernel
