#pragma once

#include "harness/base/descriptor.h"

#include <csignal>
#include <initializer_list>

namespace crypelab::kernel {

// Signals as a readable descriptor: blocked for the calling thread while this lives, and as they were before
// afterwards. Signals that the process ignores, as under nohup, stay ignored.
class SignalQueue {
 public:
  SignalQueue(std::initializer_list<int> signals);
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;
  ~SignalQueue();

  int descriptor() const { return queue_.get(); }
  // The next signal that has come, or 0.
  int next() const;
  const sigset_t& mask_before() const { return before_; }

 private:
  sigset_t before_{};
  Descriptor queue_;
};

}  // namespace crypelab::kernel
