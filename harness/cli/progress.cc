#include "harness/cli/progress.h"

#include "harness/cli/output.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::cli {
namespace {

constexpr std::size_t kShown = 3;  // names of attempts under way

}  // namespace

Progress::Progress(std::size_t attempts, bool terminal) : attempts_(attempts), terminal_(terminal) {}

void Progress::started(const std::string& name) { running_.push_back(name); }

void Progress::finished(const std::string& name, std::chrono::milliseconds took, const std::string& outcome,
                        const std::string& why) {
  if (const auto found = std::ranges::find(running_, name); found != running_.end()) running_.erase(found);
  ++ended_;
  erase();
  const auto seconds = std::chrono::duration<double>(took).count();
  put(fmt::format("{:>{}}/{}  {:<13} {:>6.1f} s  {}{}{}\n", ended_, std::to_string(attempts_).size(), attempts_,
                  outcome, seconds, name, why.empty() ? "" : ": ", why));
}

void Progress::tick() {
  if (!terminal_ || running_.empty()) return;
  erase();
  std::vector<std::string> shown(running_.begin(), running_.begin() + std::min(running_.size(), kShown));
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_);
  // Cut off at the edge of the terminal instead of wrapped (DECAWM).
  put(fmt::format("\x1b[?7l{} of {} done{}; running: {}{}\x1b[?7h", ended_, attempts_,
                  remaining(ended_, attempts_, since), fmt::join(shown, ", "),
                  running_.size() > kShown ? fmt::format(" and {} more", running_.size() - kShown) : ""));
  drawn_ = true;
}

void Progress::end() { erase(); }

void Progress::erase() {
  if (drawn_) put("\r\x1b[K");
  drawn_ = false;
}

std::string remaining(std::size_t ended, std::size_t attempts, std::chrono::milliseconds since) {
  if (ended == 0 || ended >= attempts) return "";
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(since * (attempts - ended) / ended).count();
  return seconds < 60 ? fmt::format(", about {} s left", seconds)
                      : fmt::format(", about {} min {} s left", seconds / 60, seconds % 60);
}

}  // namespace crypelab::cli
