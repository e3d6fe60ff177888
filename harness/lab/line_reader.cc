#include "harness/lab/line_reader.h"

#include <array>
#include <utility>

#include <unistd.h>

namespace crypelab::lab {

std::optional<std::string> LineReader::next() {
  for (;;) {
    const auto end = pending_.find('\n');
    if (end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (std::exchange(skipping_, false)) continue;
      return line;
    }
    if (skipping_) pending_.clear();
    if (pending_.size() > kLongest) {
      skipping_ = true;
      return std::exchange(pending_, {}).substr(0, kLongest);
    }
    std::array<char, 16'384> chunk{};
    const auto size = read(reading_.get(), chunk.data(), chunk.size());
    if (size > 0) {
      pending_.append(chunk.data(), static_cast<std::size_t>(size));
      continue;
    }
    if (size == 0) ended_ = true;
    if (ended_ && !pending_.empty()) return std::exchange(pending_, {});
    return std::nullopt;
  }
}

}  // namespace crypelab::lab
