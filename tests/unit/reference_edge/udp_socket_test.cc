#include "clients/reference/transport/udp_socket.h"

#include "clients/reference/load/relay_load.h"
#include "clients/reference/transport/datagram_train.h"
#include "harness/base/descriptor.h"
#include "harness/base/socket_address.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

namespace crypelab::client::transport::udp_socket_test {
namespace {

using namespace std::chrono_literals;

const Endpoint any = *parse_endpoint("127.0.0.1:0");
constexpr std::array<std::uint8_t, 4> hello{'p', 'a', 't', 'h'};

struct Told final : UdpSocket::Receiver {
  void datagram(const Endpoint& from, wire::Bytes bytes) override {
    received.emplace_back(bytes.begin(), bytes.end());
    senders.push_back(from);
  }
  void unreachable(const Endpoint& to, int) override { refused.push_back(to); }
  std::vector<std::vector<std::uint8_t>> received;
  std::vector<Endpoint> senders;
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

constexpr auto segments = UdpSocket::Offload::segments;
using Datagrams = std::vector<std::vector<std::uint8_t>>;

// Each says which it is, to its last byte.
std::vector<std::uint8_t> datagram(std::size_t number, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(number * 7 + i);
  return bytes;
}

Datagrams datagrams(const std::vector<std::size_t>& sizes) {
  Datagrams all;
  for (std::size_t i = 0; i < sizes.size(); ++i) all.push_back(datagram(i, sizes[i]));
  return all;
}

void run_until(boost::asio::io_context& io, const Told& told, std::size_t datagrams) {
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (told.received.size() < datagrams && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
}

// The kernel's side of a socket: what it was asked for, and what it can be made to refuse.
int descriptor_of(const Endpoint& local) {
  for (int fd = 3; fd < 1'024; ++fd) {
    SocketAddress name;
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_DGRAM) continue;
    if (getsockname(fd, name.data(), name.size_for_kernel()) == 0 && name.endpoint() == local) return fd;
  }
  return -1;
}

// A socket that takes what the kernel has put together as it comes, and sends what the kernel shall cut.
class Joined {
 public:
  explicit Joined(const Endpoint& at) : socket_(::socket(SocketAddress(at).family(), SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    SocketAddress name(at);
    if (setsockopt(socket_.get(), SOL_UDP, UDP_GRO, &on, sizeof on) != 0 ||
        ::bind(socket_.get(), name.data(), name.size()) != 0 ||
        getsockname(socket_.get(), name.data(), name.size_for_kernel()) != 0) {
      ADD_FAILURE() << std::strerror(errno);
    }
    local_ = name.endpoint();
  }

  const Endpoint& local() const { return local_; }

  struct Message {
    std::vector<std::uint8_t> bytes;
    std::size_t segment = 0;  // 0: a datagram by itself
    bool operator==(const Message&) const = default;
  };
  Message take() {
    Message one{std::vector<std::uint8_t>(70'000), 0};
    alignas(cmsghdr) std::array<std::uint8_t, 64> control{};
    iovec part{one.bytes.data(), one.bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    pollfd readable{socket_.get(), POLLIN, 0};
    const auto n = ::poll(&readable, 1, 5'000) == 1 ? recvmsg(socket_.get(), &message, MSG_DONTWAIT) : -1;
    if (n < 0) {
      ADD_FAILURE() << "nothing came";
      return {};
    }
    one.bytes.resize(static_cast<std::size_t>(n));
    one.segment = segment_size(message).value_or(0);
    return one;
  }
  // So many messages, as (bytes, segment).
  std::vector<std::pair<std::size_t, std::size_t>> shapes(std::size_t messages) {
    std::vector<std::pair<std::size_t, std::size_t>> all;
    for (std::size_t i = 0; i < messages; ++i) {
      const auto one = take();
      all.emplace_back(one.bytes.size(), one.segment);
    }
    return all;
  }

  void send(const Endpoint& to, const Datagrams& datagrams) {
    DatagramTrain train;
    for (const auto& one : datagrams) train.add(to, one);
    DatagramTrain::Messages messages;
    train.messages(0, 0, DatagramTrain::most_bytes, messages);
    ASSERT_EQ(messages.count, 1u);
    ASSERT_GT(sendmsg(socket_.get(), &messages.headers[0].msg_hdr, 0), 0) << std::strerror(errno);
  }

 private:
  Descriptor socket_;
  Endpoint local_;
};

using Shapes = std::vector<std::pair<std::size_t, std::size_t>>;

TEST(UdpSocket, a_batch_to_one_peer_goes_as_one_message_that_the_kernel_cuts) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  ASSERT_TRUE(socket);
  Joined peer(any);
  std::vector<std::uint8_t> sent;
  for (std::size_t i = 0; i < 10; ++i) {
    const auto one = datagram(i, i == 9 ? 300 : 1'000);
    sent.insert(sent.end(), one.begin(), one.end());
    EXPECT_TRUE((*socket)->send(peer.local(), one));
  }
  (*socket)->flush();
  EXPECT_EQ(peer.take(), (Joined::Message{sent, 1'000}));
}

// What is judged are the packets of a client, which are to be seen as they are on the wire.
TEST(UdpSocket, nothing_is_joined_where_nobody_asked_for_it) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here);
  ASSERT_TRUE(socket);
  int on = 1;
  socklen_t size = sizeof on;
  ASSERT_EQ(getsockopt(descriptor_of((*socket)->local()), SOL_UDP, UDP_GRO, &on, &size), 0) << std::strerror(errno);
  EXPECT_EQ(on, 0);
  Joined peer(any);
  for (std::size_t i = 0; i < 3; ++i) (*socket)->send(peer.local(), datagram(i, 100));
  (*socket)->flush();
  EXPECT_EQ(peer.shapes(3), Shapes(3, {100, 0}));
  // The kernel cuts what another one wants cut.
  const auto sent = datagrams({100, 100, 30});
  peer.send((*socket)->local(), sent);
  run_until(io, here, sent.size());
  EXPECT_EQ(here.received, sent);
}

TEST(UdpSocket, a_message_ends_where_peer_or_size_changes_and_where_it_is_full) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  ASSERT_TRUE(socket);
  Joined peer(any);
  Joined other(any);
  for (const std::size_t size : {500u, 500u, 600u, 600u, 100u, 100u, 0u, 7u}) {
    (*socket)->send(peer.local(), datagram(0, size));
  }
  (*socket)->send(other.local(), datagram(0, 7));
  (*socket)->send(peer.local(), datagram(0, 7));
  (*socket)->flush();
  EXPECT_EQ(peer.shapes(6), (Shapes{{1'000, 500}, {1'300, 600}, {100, 0}, {0, 0}, {7, 0}, {7, 0}}));
  EXPECT_EQ(other.shapes(1), (Shapes{{7, 0}}));
  // 65,507 bytes are 54 times 1,200 and no more; the 64th datagram sends all.
  for (std::size_t i = 0; i < 64; ++i) (*socket)->send(peer.local(), datagram(i, 1'200));
  EXPECT_EQ(peer.shapes(2), (Shapes{{64'800, 1'200}, {12'000, 1'200}}));
}

TEST(UdpSocket, datagrams_of_many_sizes_to_several_peers_arrive_whole_and_in_order) {
  boost::asio::io_context io;
  Told here;
  std::array<Told, 2> there;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  auto one = UdpSocket::open(io.get_executor(), any, there[0], segments);
  auto two = UdpSocket::open(io.get_executor(), any, there[1]);
  ASSERT_TRUE(socket && one && two);
  const std::array peers{(*one)->local(), (*two)->local()};
  std::array<Datagrams, 2> sent;
  // Runs to one peer, of one size and of several; 150 are more than two batches.
  for (std::size_t i = 0; i < 150; ++i) {
    const auto to = i / 9 % 2;
    const auto size = i % 9 == 8 ? 1 + i : i / 9 % 3 == 2 ? 40 * (i % 4) : 1'000;
    sent[to].push_back(datagram(i, size));
    EXPECT_TRUE((*socket)->send(peers[to], sent[to].back()));
  }
  (*socket)->flush();
  for (std::size_t i = 0; i < 2; ++i) {
    run_until(io, there[i], sent[i].size());
    EXPECT_EQ(there[i].received, sent[i]);
    EXPECT_EQ(there[i].senders, std::vector(sent[i].size(), (*socket)->local()));
  }
}

TEST(UdpSocket, what_the_kernel_has_put_together_is_told_one_by_one) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  ASSERT_TRUE(socket);
  int on = 0;
  socklen_t size = sizeof on;
  ASSERT_EQ(getsockopt(descriptor_of((*socket)->local()), SOL_UDP, UDP_GRO, &on, &size), 0) << std::strerror(errno);
  EXPECT_EQ(on, 1);
  Joined peer(any);
  std::vector<std::size_t> sizes(64, 1'020);  // nearly all that one message holds
  sizes.back() = 9;
  auto sent = datagrams(sizes);
  peer.send((*socket)->local(), sent);
  const Datagrams single{datagram(0, 33)};
  peer.send((*socket)->local(), single);
  sent.push_back(single[0]);
  run_until(io, here, sent.size());
  EXPECT_EQ(here.received, sent);
  EXPECT_EQ(here.senders, std::vector(sent.size(), peer.local()));
}

// The owner may go while the rest of a message is still to be told.
TEST(UdpSocket, nothing_is_told_to_one_that_has_ended_in_the_middle_of_a_message) {
  boost::asio::io_context io;
  struct Ends final : UdpSocket::Receiver {
    void datagram(const Endpoint&, wire::Bytes) override {
      ++told;
      socket.reset();
    }
    void unreachable(const Endpoint&, int) override {}
    std::unique_ptr<UdpSocket> socket;
    int told = 0;
  } ends;
  auto socket = UdpSocket::open(io.get_executor(), any, ends, segments);
  ASSERT_TRUE(socket);
  ends.socket = std::move(*socket);
  Joined(any).send(ends.socket->local(), datagrams(std::vector<std::size_t>(20, 100)));
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (ends.socket && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
  io.run_for(0ms);
  EXPECT_EQ(ends.told, 1);
}

// A socket that sends without checksums is refused by the kernel when it wants messages cut (udp_send_skb: EINVAL).
TEST(UdpSocket, what_the_kernel_does_not_cut_goes_one_by_one_and_is_not_tried_again) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  ASSERT_TRUE(socket);
  Joined peer(any);
  const auto no_checksums = [&](int on) {
    ASSERT_EQ(setsockopt(descriptor_of((*socket)->local()), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0)
        << std::strerror(errno);
  };
  const auto send = [&](std::size_t size) {
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE((*socket)->send(peer.local(), datagram(i, size)));
    (*socket)->flush();
  };
  const Shapes apart(3, {100, 0});
  no_checksums(1);
  send(100);
  EXPECT_EQ(peer.shapes(3), apart);
  no_checksums(0);
  send(100);
  EXPECT_EQ(peer.shapes(3), apart);
  EXPECT_TRUE(here.refused.empty());
}

// IPV6_MTU, an option of Linux, stands for a path with a smaller MTU.
TEST(UdpSocket, what_is_larger_than_the_path_takes_goes_one_by_one_and_smaller_ones_together) {
  boost::asio::io_context io;
  Told here;
  const auto any_v6 = *parse_endpoint("[::1]:0");
  auto socket = UdpSocket::open(io.get_executor(), any_v6, here, segments);
  ASSERT_TRUE(socket) << socket.complaint();
  Joined peer(any_v6);
  const auto path = [&](int mtu) {
    ASSERT_EQ(setsockopt(descriptor_of((*socket)->local()), IPPROTO_IPV6, IPV6_MTU, &mtu, sizeof mtu), 0)
        << std::strerror(errno);
  };
  const auto send = [&](std::size_t size) {
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE((*socket)->send(peer.local(), datagram(i, size)));
    (*socket)->flush();
  };
  path(1'280);
  send(1'400);
  EXPECT_EQ(peer.shapes(3), Shapes(3, {1'400, 0}));
  send(1'000);
  EXPECT_EQ(peer.shapes(1), (Shapes{{3'000, 1'000}}));
  path(65'535);
  send(1'400);
  EXPECT_EQ(peer.shapes(3), Shapes(3, {1'400, 0}));
}

//   three to a port where nobody listens, as one message; then three to somebody
TEST(UdpSocket, what_icmp_says_of_a_message_that_the_kernel_cut_keeps_no_other_from_going) {
  boost::asio::io_context io;
  Told here;
  Told nobody;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  auto gone = UdpSocket::open(io.get_executor(), any, nobody);
  ASSERT_TRUE(socket && gone);
  const auto closed = (*gone)->local();
  gone->reset();
  Joined peer(any);
  for (int round = 0; round < 2; ++round) {
    for (const auto& to : {closed, peer.local()}) {
      for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE((*socket)->send(to, hello));
      (*socket)->flush();
    }
    EXPECT_EQ(peer.shapes(1), (Shapes{{12, 4}}));
  }
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (here.refused.empty() && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
  ASSERT_FALSE(here.refused.empty());
  EXPECT_EQ(here.refused.front(), closed);
}

TEST(UdpSocket, each_datagram_that_this_machine_refuses_is_told_and_the_next_peer_is_still_served) {
  boost::asio::io_context io;
  Told here;
  auto socket = UdpSocket::open(io.get_executor(), any, here, segments);
  ASSERT_TRUE(socket);
  Joined peer(any);
  const auto outside = *parse_endpoint("255.255.255.255:9");
  for (const auto& to : {outside, peer.local()}) {
    for (std::size_t i = 0; i < 3; ++i) (*socket)->send(to, hello);
  }
  (*socket)->flush();
  // A refusal that has nothing to do with cutting is not held against it.
  EXPECT_EQ(peer.shapes(1), (Shapes{{12, 4}}));
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (here.refused.size() < 3 && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
  EXPECT_EQ(here.refused, std::vector<Endpoint>(3, outside));
}

// A server that says nothing sees who asks it; the kernel's side of that socket tells what was asked of it.
TEST(RelayLoad, asks_for_messages_of_many_datagrams) {
  boost::asio::io_context io;
  Told server;
  auto socket = UdpSocket::open(io.get_executor(), any, server);
  ASSERT_TRUE(socket);
  job::Job job;
  job.task = job::Task::relay_load;
  job.proxy.mode = job::ProxyMode::direct;
  job.ice_servers.push_back({{"turn:" + to_string((*socket)->local()) + "?transport=udp"}, "alice", "wonderland"});
  SecureRandom random;
  const Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  load::RelayLoad load(io.get_executor(), job, 1, event::Reporter(nowhere.get(), std::chrono::steady_clock::now(), {}),
                       random);
  bool ended = false;
  boost::asio::co_spawn(io, load.run(), [&](const std::exception_ptr&, int) { ended = true; });
  run_until(io, server, 1);
  ASSERT_FALSE(server.senders.empty());
  int on = 0;
  socklen_t size = sizeof on;
  const Endpoint unbound{*parse_address("0.0.0.0"), server.senders[0].port};
  ASSERT_EQ(getsockopt(descriptor_of(unbound), SOL_UDP, UDP_GRO, &on, &size), 0) << std::strerror(errno);
  EXPECT_EQ(on, 1);
  load.stop();
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (!ended && std::chrono::steady_clock::now() < deadline) io.run_one_for(100ms);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace crypelab::client::transport::udp_socket_test
