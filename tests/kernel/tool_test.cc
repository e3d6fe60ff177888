#include "harness/kernel/tool.h"

#include "harness/base/error.h"
#include "own_network.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace crypelab::kernel::tool_test {
namespace {

namespace fs = std::filesystem;

// Descriptors of this process that watch another.
std::size_t watches() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the iterator's own
    if (fs::read_symlink(entry.path(), gone).string().find("[pidfd]") != std::string::npos) ++count;
  }
  return count;
}

std::size_t highest_descriptor() {
  std::size_t highest = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd"))
    highest = std::max(highest, static_cast<std::size_t>(std::stoul(entry.path().filename())));
  return highest;
}

// While it lives there are at most so many descriptors.
class FewDescriptors {
 public:
  explicit FewDescriptors(std::size_t most) {
    getrlimit(RLIMIT_NOFILE, &before_);
    auto now = before_;
    now.rlim_cur = most;
    setrlimit(RLIMIT_NOFILE, &now);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(tool, that_cannot_be_watched_is_not_left_running) {
#if defined(__has_feature)
  // It looks at objects through pipes (IsAccessibleMemoryRange) and calls one invalid when there is no descriptor left
  // for them.
  if (__has_feature(undefined_behavior_sanitizer))
    GTEST_SKIP() << "the sanitizer of undefined behaviour needs descriptors itself";
#endif
  const NetworkNamespace space;
  const auto enough = highest_descriptor() + 12;
  std::size_t started = 0;
  std::size_t refused = 0;
  for (std::size_t most = 3; most < enough; ++most) {
    std::optional<Tool> tool;
    try {
      const FewDescriptors limit(most);
      tool.emplace(space, std::vector<std::string>{"sleep", "60"}, "", "coreutils");
    } catch (const Failure&) {
      ++refused;
      EXPECT_EQ(watches(), 0u) << most;
      continue;
    }
    ++started;
    EXPECT_EQ(watches(), 1u) << most;
  }
  EXPECT_GT(started, 0u);
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace crypelab::kernel::tool_test
