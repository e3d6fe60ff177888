#include "own_network.h"

#include "harness/base/error.h"

#include <array>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

constexpr uid_t kNobody = 65534;

bool has_power() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) throw_errno("read the capabilities");
  constexpr unsigned kNeeded = 1U << CAP_SYS_ADMIN | 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW;
  return (sets[0].effective & kNeeded) == kNeeded;
}

void write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text << std::flush)) throw_errno(path);
}

}  // namespace

void OwnNetwork::SetUpTestSuite() {
  if (has_power()) return;
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) throw_errno("make a user namespace for the tests");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", fmt::format("{0} {0} 1", user));
  write_file("/proc/self/gid_map", fmt::format("{0} {0} 1", group));
}

namespace {

// The whole of these tests again, as an ordinary user. The binary is opened by its descriptor: the user need not reach
// its folder.
TEST(rootless, a_user_without_power_has_all_of_it_in_a_namespace_of_his_own) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Without root's power to become somebody else, this user goes on without the power that it has.
    if (::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
        ::setresuid(kNobody, kNobody, kNobody) != 0) {
      ::_exit(125);
    }
    ::execl(
        "/proc/self/exe", "kernel_tests",
        "--gtest_filter=bridge.*:cable.*:capture.*:link.*:network_namespace.*:policy_rule.*:route.*:rule_set.*:token_"
        "bucket.*:tool.*",
        "--gtest_brief=1", nullptr);
    ::_exit(126);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace crypelab::kernel
