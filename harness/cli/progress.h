#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace crypelab::cli {

// A line for each attempt that has ended, on standard output; on a terminal, below them, what is under way and how long
// the rest may take.
class Progress {
 public:
  explicit Progress(std::size_t attempts, bool terminal);

  void started(const std::string& name);
  void finished(const std::string& name, std::chrono::milliseconds took, const std::string& outcome,
                const std::string& why);
  void tick();
  // Takes the line below away.
  void end();

 private:
  void erase();

  using Clock = std::chrono::steady_clock;
  std::size_t attempts_;
  bool terminal_;
  Clock::time_point begun_ = Clock::now();
  std::size_t ended_ = 0;
  std::vector<std::string> running_;
  bool drawn_ = false;
};

// How long the rest takes, if it takes as long as what was done; nothing is known before the first one has ended.
std::string remaining(std::size_t ended, std::size_t attempts, std::chrono::milliseconds since);

}  // namespace crypelab::cli
