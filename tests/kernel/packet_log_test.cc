#include "harness/kernel/packet_log.h"

#include "datagram.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/socket_owner.h"
#include "own_network.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace crypelab::kernel::packet_log_test {
namespace {

struct TwoLogged {
  NetworkNamespace left;
  NetworkNamespace right;
  Cable cable{{left, "eth0", {2, 0, 0, 0, 0, 1}}, {right, "eth0", {2, 0, 0, 0, 0, 2}}};

  TwoLogged() {
    cable.raise();
    cable.first().add(prefix("10.9.0.1/24"));
    cable.second().add(prefix("10.9.0.2/24"));
  }
};

struct FoundInLog {
  std::optional<std::uint32_t> user;
  std::string bytes;
};

// Everything that is logged until nothing more comes for a moment.
std::vector<FoundInLog> read_all(PacketLog& log) {
  std::vector<FoundInLog> all;
  for (;;) {
    pollfd readable{log.descriptor(), POLLIN, 0};
    if (::poll(&readable, 1, 100) <= 0) return all;
    log.read([&](const LoggedPacket& packet) {
      all.push_back({packet.user, std::string(packet.packet.begin(), packet.packet.end())});
    });
  }
}

TEST_F(packet_log, names_the_user_and_sock_diag_the_program_of_what_a_host_sends) {
  const TwoLogged hosts;
  PacketLog log(hosts.left);
  SocketOwners owners(hosts.left);
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  right.send("10.9.0.1:7", "comes in");
  left.send("10.9.0.2:7", "goes out");
  auto all = read_all(log);
  std::erase_if(all, [](const FoundInLog& found) { return !found.user; });  // the kernel's own: neighbours, groups
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].user, ::geteuid());
  EXPECT_NE(all[0].bytes.find("goes out"), std::string::npos);
  const auto local = *parse_endpoint("10.9.0.1:7");
  const auto remote = *parse_endpoint("10.9.0.2:7");
  const auto socket = owners.find(false, local, remote);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(socket->user, ::geteuid());
  EXPECT_EQ(program_with(*socket), "kernel_tests");
  EXPECT_FALSE(owners.find(true, local, remote).has_value());
  EXPECT_FALSE(owners.find(false, *parse_endpoint("10.9.0.1:8"), remote).has_value());
}

TEST_F(packet_log, follows_who_floods_no_further) {
  const TwoLogged hosts;
  PacketLog log(hosts.left);
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) left.send("10.9.0.2:7", std::string(1'000, 'x'));
  for (int i = 0; i < 6'000; ++i) left.send("10.9.0.2:7", "small");
  const auto took = std::chrono::steady_clock::now() - begin;
  std::size_t small = 0;
  std::size_t large = 0;
  for (const auto& found : read_all(log)) ++(found.bytes.size() < 60 ? small : large);
  // A second's worth at once, and then so many a second.
  const auto seconds = 1 + std::chrono::duration<double>(took).count();
  EXPECT_GT(small, 0U);
  EXPECT_LE(static_cast<double>(small), 2'000 * seconds + 10);
  EXPECT_GT(large, 0U);
  EXPECT_LE(static_cast<double>(large), 100 * seconds + 10);
}

}  // namespace
}  // namespace crypelab::kernel::packet_log_test
