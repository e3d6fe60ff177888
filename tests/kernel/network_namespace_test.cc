#include "harness/kernel/network_namespace.h"

#include "datagram.h"
#include "harness/base/error.h"
#include "harness/kernel/cable.h"
#include "own_network.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace crypelab::kernel::network_namespace_test {
namespace {

ino_t current_namespace() {
  struct stat status {};
  EXPECT_EQ(::stat("/proc/thread-self/ns/net", &status), 0);
  return status.st_ino;
}

ino_t identity(const NetworkNamespace& space) {
  struct stat status {};
  EXPECT_EQ(::fstat(space.descriptor(), &status), 0);
  return status.st_ino;
}

std::string content(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

TEST_F(network_namespace, a_fresh_one_is_another_and_the_thread_is_back_home) {
  const auto home = current_namespace();
  const NetworkNamespace space;
  EXPECT_EQ(current_namespace(), home);
  EXPECT_NE(identity(space), home);
}

TEST_F(network_namespace, it_has_only_lo_and_lo_works_in_both_families) {
  const NetworkNamespace space;
  EXPECT_EQ(Link(space, "lo").index(), 1U);
  {
    const InNamespace inside(space);
    struct if_nameindex* all = ::if_nameindex();
    ASSERT_NE(all, nullptr);
    EXPECT_EQ(std::string(all[0].if_name), "lo");
    EXPECT_EQ(all[1].if_index, 0U);
    ::if_freenameindex(all);
  }
  const Datagrams one(space, "127.0.0.1:7");
  const Datagrams two(space, "127.0.0.1:8");
  EXPECT_TRUE(reaches(one, two, "127.0.0.1:8"));
  const Datagrams three(space, "[::1]:7");
  const Datagrams four(space, "[::1]:8");
  EXPECT_TRUE(reaches(three, four, "[::1]:8"));
}

TEST_F(network_namespace, entering_nests) {
  const auto home = current_namespace();
  const NetworkNamespace outer;
  const NetworkNamespace inner;
  {
    const InNamespace first(outer);
    EXPECT_EQ(current_namespace(), identity(outer));
    {
      const InNamespace second(inner);
      EXPECT_EQ(current_namespace(), identity(inner));
    }
    EXPECT_EQ(current_namespace(), identity(outer));
  }
  EXPECT_EQ(current_namespace(), home);
}

TEST_F(network_namespace, a_sysctl_is_set_inside_and_nowhere_else) {
  constexpr const char* kForward = "/proc/sys/net/ipv4/ip_forward";
  const auto home = content(kForward);
  const NetworkNamespace space;
  space.sysctl("net/ipv4/ip_forward", home == "0\n" ? "1" : "0");
  EXPECT_EQ(content(kForward), home);
  const InNamespace inside(space);
  EXPECT_EQ(content(kForward), home == "0\n" ? "1\n" : "0\n");
}

TEST_F(network_namespace, a_sysctl_that_is_not_there_is_named) {
  const NetworkNamespace space;
  try {
    space.sysctl("net/ipv4/no_such_thing", "1");
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("net/ipv4/no_such_thing"), std::string::npos) << failure.what();
  }
  EXPECT_THROW(space.sysctl("kernel/hostname", "x"), Failure);
  EXPECT_THROW(space.sysctl("net/../kernel/hostname", "x"), Failure);
}

TEST_F(network_namespace, every_descriptor_is_close_on_exec) {
  const NetworkNamespace space;
  const Descriptor socket = space.open_socket(AF_INET, SOCK_STREAM);
  const InNamespace inside(space);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with("net:") || target.starts_with("socket:")) {
      EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd << " " << target;
    }
  }
}

TEST_F(network_namespace, nothing_is_left_when_namespaces_are_destroyed) {
  const auto home_interfaces = content("/proc/net/dev").substr(0, content("/proc/net/dev").find(':'));
  const auto descriptors = open_descriptors();
  {
    const NetworkNamespace watcher;
    {
      std::deque<NetworkNamespace> hosts;
      for (int i = 0; i < 10; ++i) {
        const auto& host = hosts.emplace_back();
        const auto mac = static_cast<std::uint8_t>(i);
        Cable({watcher, "port" + std::to_string(i), {2, 0, 0, 0, 1, mac}}, {host, "eth0", {2, 0, 0, 0, 0, mac}})
            .raise();
      }
      EXPECT_NO_THROW(Link(watcher, "port9"));
    }
    // The kernel takes a namespace's interfaces away in the background; the ends that the watcher holds go with them.
    const InNamespace inside(watcher);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto lines = [] {
      const auto all = content("/proc/thread-self/net/dev");
      return std::count(all.begin(), all.end(), '\n');
    };
    constexpr auto kHeaderAndLoopback = 3;
    while (lines() != kHeaderAndLoopback && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
    EXPECT_EQ(lines(), kHeaderAndLoopback);
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(content("/proc/net/dev").substr(0, content("/proc/net/dev").find(':')), home_interfaces);
}

TEST_F(network_namespace, impossible_numbers_of_descriptors_are_refused_with_advice) {
  EXPECT_NO_THROW(reserve_descriptors(64));
  try {
    reserve_descriptors(std::size_t{1} << 40);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("LimitNOFILE"), std::string::npos) << failure.what();
  }
}

}  // namespace
}  // namespace crypelab::kernel::network_namespace_test
