#pragma once

#include "harness/kernel/capture.h"

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace crypelab::kernel {

// The captures of many links. The kernel waits for all of its processors whenever a ring is made or goes (RCU, 10 to 25
// ms): here that is once for all of them instead of once for each.
class CaptureSet {
 public:
  CaptureSet() = default;
  // Throws Failure, as Capture does.
  CaptureSet(const std::vector<Link>& links, const Capture::Settings& settings);
  ~CaptureSet();
  CaptureSet(const CaptureSet&) = delete;
  CaptureSet& operator=(const CaptureSet&) = delete;

  std::size_t size() const { return captures_.size(); }
  Capture& operator[](std::size_t number) { return *captures_[number]; }

  // From here on there are none; they go while the caller does something else, and are gone when this object is, or
  // when await_end() returns. Until then the calling process may not fork.
  void end();
  void await_end();

 private:
  std::vector<std::unique_ptr<Capture>> captures_;  // in the order of the links
  std::vector<std::thread> ending_;
};

}  // namespace crypelab::kernel
