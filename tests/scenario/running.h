#pragma once

#include "command.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace crypelab::test {

// The crypelab that was built beside the tests, at work. Killed when destroyed.
class Running {
 public:
  explicit Running(const std::vector<std::string>& arguments);
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();

  void signal(int number) const;
  // Looks for a fact until it is one, or the deadline passes.
  bool wait_for(const std::function<bool()>& fact, std::chrono::milliseconds deadline) const;
  // Its end; the status is -1 when the deadline passes.
  Finished wait(std::chrono::milliseconds deadline);

 private:
  pid_t process_ = -1;
  std::string output_;  // a file
};

// Whether a process of this machine has these words in its command line.
bool runs_somewhere(const std::string& words);

}  // namespace crypelab::test
