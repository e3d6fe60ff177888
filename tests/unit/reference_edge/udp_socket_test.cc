#include "clients/reference/transport/udp_socket.h"

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace crypelab::client::transport::udp_socket_test {
namespace {

using namespace std::chrono_literals;

const Endpoint any = *parse_endpoint("127.0.0.1:0");
constexpr std::array<std::uint8_t, 4> hello{'p', 'a', 't', 'h'};

struct Told final : UdpSocket::Receiver {
  void datagram(const Endpoint&, wire::Bytes bytes) override { received.emplace_back(bytes.begin(), bytes.end()); }
  void unreachable(const Endpoint& to, int) override { refused.push_back(to); }
  std::vector<std::vector<std::uint8_t>> received;
  std::vector<Endpoint> refused;
};

//   one socket -+- a port where nobody listens: ICMP "port unreachable"
//               +- a port where somebody does
TEST(UdpSocket, what_icmp_says_of_one_peer_does_not_keep_the_next_datagram_from_another) {
  boost::asio::io_context io;
  Told here;
  Told there;
  auto socket = UdpSocket::open(io.get_executor(), any, here);
  auto peer = UdpSocket::open(io.get_executor(), any, there);
  ASSERT_TRUE(socket && peer);
  Told nobody;
  auto gone = UdpSocket::open(io.get_executor(), any, nobody);
  ASSERT_TRUE(gone);
  const auto closed = (*gone)->local();
  gone->reset();
  // The loop does not run in between: what came back stands in the socket while the next one is sent.
  for (int i = 0; i < 3; ++i) {
    (*socket)->send(closed, hello);
    (*socket)->flush();
    (*socket)->send((*peer)->local(), hello);
    (*socket)->flush();
  }
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while ((there.received.size() < 3 || here.refused.size() < 3) && std::chrono::steady_clock::now() < deadline)
    io.run_one_for(100ms);
  EXPECT_EQ(there.received.size(), 3u);
  EXPECT_EQ(here.refused, std::vector<Endpoint>(3, closed));
}

TEST(UdpSocket, what_this_machine_refuses_is_told) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here);
  ASSERT_TRUE(socket);
  const auto outside = *parse_endpoint("255.255.255.255:9");  // EACCES: the socket may not broadcast
  (*socket)->send(outside, hello);
  (*socket)->flush();
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (here.refused.empty() && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
  ASSERT_EQ(here.refused.size(), 1u);
  EXPECT_EQ(here.refused.front(), outside);
}

}  // namespace
}  // namespace crypelab::client::transport::udp_socket_test
