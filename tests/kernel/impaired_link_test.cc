#include "datagram.h"
#include "harness/base/error.h"
#include "harness/impair/loss_model.h"
#include "impaired_pair.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::impair::impaired_link_test {
namespace {

using namespace std::chrono_literals;
using kernel::Datagrams;
using kernel::reaches;

constexpr Direction kThere = Direction::a_to_b;
constexpr Direction kBack = Direction::b_to_a;

Impairment delayed(Duration delay) {
  Impairment impairment;
  impairment.delay = delay;
  return impairment;
}

bool comes_true(const std::function<bool()>& fact) {
  const Time end = monotonic_now() + 5s;
  while (!fact()) {
    if (monotonic_now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

struct Talk {
  static constexpr const char* to_left = "10.7.0.1:7001";
  static constexpr const char* to_right = "10.7.0.2:7002";
  Datagrams left;
  Datagrams right;

  // Addresses are resolved when this returns.
  explicit Talk(const ImpairedPair& pair) : left(pair.left, to_left), right(pair.right, to_right) {
    EXPECT_TRUE(reaches(left, right, to_right));
    EXPECT_TRUE(reaches(right, left, to_left));
    while (right.receive(50ms) || left.receive(50ms)) {
    }
  }
  // Sends 1..count and gives the numbers that arrive. In small bursts, each awaited up to its last expected number: the
  // receiver's own buffer must lose nothing.
  std::set<int> arrivals(int count, const std::set<int>& expected) {
    std::set<int> seen;
    for (int i = 1; i <= count; ++i) {
      EXPECT_TRUE(left.send(to_right, std::to_string(i)));
      if (i % 50 != 0) continue;
      const auto last = std::prev(expected.upper_bound(i));
      while (!seen.contains(*last)) {
        const auto text = right.receive(2000ms);
        if (!text) break;
        seen.insert(std::stoi(*text));
      }
    }
    while (const auto text = right.receive(100ms)) seen.insert(std::stoi(*text));
    return seen;
  }
};

TEST(impaired_link, a_round_trip_takes_both_delays) {
  ImpairedPair pair(delayed(12ms), delayed(8ms));
  Talk talk(pair);
  std::vector<Time> rtt;
  for (int i = 0; i < 100; ++i) {
    const Time start = monotonic_now();
    ASSERT_TRUE(talk.left.send(talk.to_right, "ping"));
    ASSERT_TRUE(talk.right.receive(2000ms));
    ASSERT_TRUE(talk.right.send(talk.to_left, "pong"));
    ASSERT_TRUE(talk.left.receive(2000ms));
    rtt.push_back(monotonic_now() - start);
  }
  std::sort(rtt.begin(), rtt.end());
  EXPECT_GE(rtt.front(), 20ms);
  // The rest is the scheduler's: some 0.1 ms on an idle machine.
  EXPECT_LE(rtt[50], 21ms);
  EXPECT_LE(rtt[90], 24ms);
  EXPECT_EQ(own_drops(pair.settled(kThere)) + own_drops(pair.settled(kBack)), 0u);
}

TEST(impaired_link, exactly_the_packets_of_the_seed_are_lost) {
  ImpairedPair pair(Impairment{}, Impairment{});
  Talk talk(pair);
  Impairment impairment;
  impairment.seed = 2026;
  impairment.loss = IndependentLoss{Ratio{10'000}};
  impairment.lost_packets = {{3, 3}, {20, 29}};
  pair.control->set(0, kThere, impairment);
  const auto before = pair.control->read(0, kThere);

  LossModel model(impairment);
  std::set<int> expected;
  for (int i = 1; i <= 4000; ++i) {
    if (model.next() == Fate::kept) expected.insert(i);
  }
  EXPECT_EQ(talk.arrivals(4000, expected), expected);
  const auto counters = pair.settled(kThere);
  EXPECT_EQ(counters.lost + counters.listed, 4000 - expected.size());
  EXPECT_GE(counters.listed, 11u);
  EXPECT_EQ(counters.delivered - before.delivered + counters.lost + counters.listed,
            counters.received - before.received);
  EXPECT_EQ(own_drops(counters), 0u);
}

TEST(impaired_link, directions_are_independent) {
  Impairment deaf;
  deaf.loss = IndependentLoss{Ratio{1'000'000}};
  ImpairedPair pair(delayed(30ms), Impairment{});
  Talk talk(pair);
  pair.control->set(0, kBack, deaf);
  const Time start = monotonic_now();
  ASSERT_TRUE(talk.left.send(talk.to_right, "there"));
  EXPECT_EQ(talk.right.receive(2000ms), "there");
  EXPECT_GE(monotonic_now() - start, 30ms);
  ASSERT_TRUE(talk.right.send(talk.to_left, "back"));
  EXPECT_TRUE(comes_true([&] { return pair.control->read(0, kBack).lost == 1; }));
  EXPECT_FALSE(talk.left.receive(50ms));
  EXPECT_EQ(pair.control->read(0, kThere).lost, 0u);

  pair.control->set(0, kBack, Impairment{});
  const Time again = monotonic_now();
  ASSERT_TRUE(talk.right.send(talk.to_left, "back"));
  EXPECT_EQ(talk.left.receive(2000ms), "back");
  EXPECT_LT(monotonic_now() - again, 30ms);
}

TEST(impaired_link, address_resolution_of_both_families_passes_total_loss) {
  Impairment deaf;
  deaf.loss = IndependentLoss{Ratio{1'000'000}};
  ImpairedPair pair(deaf, deaf);
  const Datagrams v4(pair.left, "10.7.0.1:7001");
  const Datagrams v6(pair.left, "[2001:db8:7::1]:7001");
  const Datagrams v4_right(pair.right, "10.7.0.2:7002");
  const Datagrams v6_right(pair.right, "[2001:db8:7::2]:7002");
  // A datagram waits for its neighbour's address: it is counted only when ARP or neighbour discovery came through.
  ASSERT_TRUE(v4.send("10.7.0.2:7002", "x"));
  EXPECT_TRUE(comes_true([&] { return pair.control->read(0, kThere).lost == 1; }));
  ASSERT_TRUE(v6.send("[2001:db8:7::2]:7002", "x"));
  EXPECT_TRUE(comes_true([&] { return pair.control->read(0, kThere).lost == 2; }));
  pair.control->set(0, kThere, Impairment{});
  EXPECT_TRUE(reaches(v4, v4_right, "10.7.0.2:7002"));
  EXPECT_TRUE(reaches(v6, v6_right, "[2001:db8:7::2]:7002"));
}

TEST(impaired_link, aggregate_frames_are_judged_packet_by_packet) {
  ImpairedPair pair(Impairment{}, Impairment{});
  Talk talk(pair);
  std::string text;
  for (char c = 'a'; c < 'k'; ++c) text += std::string(1000, c);
  const auto letters = [&] {
    std::string seen;
    while (const auto datagram = talk.right.receive(100ms)) {
      EXPECT_EQ(datagram->size(), 1000u);
      seen += datagram->front();
    }
    return seen;
  };
  const auto traffic = [&] {
    const auto counters = pair.control->read(0, kThere);
    return counters.received - counters.link_control;
  };
  const auto before = traffic();
  ASSERT_TRUE(talk.left.send_as_segments(talk.to_right, text, 1000));
  EXPECT_EQ(letters(), "abcdefghij");
  const auto whole = traffic();
  EXPECT_EQ(whole - before, 1u);  // nothing to judge: it passed as one frame

  Impairment impairment;
  impairment.lost_packets = {{3, 3}, {8, 9}};
  pair.control->set(0, kThere, impairment);
  ASSERT_TRUE(talk.left.send_as_segments(talk.to_right, text, 1000));
  EXPECT_EQ(letters(), "abdefgj");
  EXPECT_EQ(traffic() - whole, 10u);
}

// A TCP connection from left to right; bytes that arrive between `from` and `until` after its start.
double megabits_per_second(const ImpairedPair& pair, Time from, Time until) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(7003);
  address.sin_addr.s_addr = htonl(0x0a070002);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  const Descriptor listener = pair.right.open_socket(AF_INET, SOCK_STREAM);
  EXPECT_EQ(::bind(listener.get(), name, sizeof address), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  const Descriptor sender = pair.left.open_socket(AF_INET, SOCK_STREAM);
  EXPECT_EQ(::connect(sender.get(), name, sizeof address), 0);
  const Descriptor receiver(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  EXPECT_TRUE(receiver);
  ::fcntl(sender.get(), F_SETFL, O_NONBLOCK);
  std::vector<char> buffer(256 * 1024);
  const Time start = monotonic_now();
  Time first{}, last{};
  double bytes = 0;
  for (Time now = start; now - start < until; now = monotonic_now()) {
    pollfd wait[] = {{sender.get(), POLLOUT, 0}, {receiver.get(), POLLIN, 0}};
    ::poll(wait, 2, 100);
    if ((wait[0].revents & POLLOUT) != 0 && ::send(sender.get(), buffer.data(), buffer.size(), MSG_NOSIGNAL) < 0) break;
    const ssize_t size = ::recv(receiver.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0 || now - start < from) continue;
    if (first == Time::zero()) {
      first = now;  // the bytes up to here took time before
    } else {
      bytes += static_cast<double>(size);
    }
    last = now;
  }
  return last > first ? bytes * 8e3 / static_cast<double>((last - first).count()) : 0;
}

TEST(impaired_link, tcp_gets_the_declared_rate) {
  Impairment impairment = delayed(5ms);
  impairment.rate = BitRate{10'000'000};
  ImpairedPair pair(impairment, delayed(5ms));
  Talk talk(pair);
  // The rate counts Ethernet frames of 1514 bytes, which carry 1448 of TCP.
  constexpr double expected = 10.0 * 1448 / 1514;
  EXPECT_NEAR(megabits_per_second(pair, 700ms, 2700ms), expected, expected * 0.05);
  EXPECT_EQ(own_drops(pair.settled(kThere)), 0u);
}

TEST(impaired_link, a_change_happens_at_its_moment) {
  ImpairedPair pair(Impairment{}, Impairment{});
  Talk talk(pair);
  Impairment deaf;
  deaf.loss = IndependentLoss{Ratio{1'000'000}};
  const Time off = monotonic_now() + 60ms;
  const Time on = off + 60ms;
  pair.control->set(0, kThere, Impairment{}, on);  // order of asking does not matter
  pair.control->set(0, kThere, deaf, off);
  std::set<long> sent, seen;
  const auto collect = [&](std::chrono::milliseconds patience) {
    while (const auto text = talk.right.receive(patience)) seen.insert(std::stol(*text));
  };
  for (Time now = monotonic_now(); now < on + 60ms; now = monotonic_now()) {
    sent.insert(now.count());
    ASSERT_TRUE(talk.left.send(talk.to_right, std::to_string(now.count())));
    collect(1ms);
  }
  collect(100ms);
  // A packet's time stamp is a little later than the number that it carries.
  constexpr Time slack = 2ms;
  int between = 0;
  for (const long stamp : sent) {
    const Time time(stamp);
    if (time < off - slack || time > on) {
      EXPECT_TRUE(seen.contains(stamp));
    } else if (time > off && time < on - slack) {
      EXPECT_FALSE(seen.contains(stamp));
      ++between;
    }
  }
  EXPECT_GT(between, 10);
}

TEST(impaired_link, an_end_may_go_down_and_come_back) {
  ImpairedPair pair(Impairment{}, Impairment{});
  Talk talk(pair);
  pair.right_cable.second().down();
  ASSERT_TRUE(talk.left.send(talk.to_right, "lost"));
  EXPECT_TRUE(comes_true([&] { return pair.control->read(0, kThere).interface_down > 0; }));
  pair.right_cable.second().up();
  EXPECT_TRUE(reaches(talk.left, talk.right, talk.to_right));
  EXPECT_TRUE(reaches(talk.right, talk.left, talk.to_left));

  pair.right_cable.first().down();  // the site's own end
  const auto before = pair.control->read(0, kThere).interface_down;
  ASSERT_TRUE(talk.left.send(talk.to_right, "lost"));
  EXPECT_TRUE(comes_true([&] { return pair.control->read(0, kThere).interface_down > before; }));
  pair.right_cable.first().up();
  EXPECT_TRUE(reaches(talk.left, talk.right, talk.to_right));
  EXPECT_EQ(own_drops(pair.settled(kThere)), 0u);
}

TEST(impaired_link, what_cannot_be_is_refused_and_the_engine_goes_on) {
  ImpairedPair pair(Impairment{}, Impairment{});
  Impairment impossible;
  impossible.rate = BitRate{0};
  EXPECT_THROW(pair.control->set(0, kThere, impossible), Failure);
  EXPECT_THROW(pair.control->set(1, kThere, Impairment{}), Failure);
  EXPECT_THROW(pair.control->read(1, kThere), Failure);
  Impairment huge;
  huge.trace = *DeliveryTrace::of(std::vector<std::uint32_t>(200'000, 1));
  EXPECT_THROW(pair.control->set(0, kThere, huge), Failure);
  const Talk talk(pair);
}

TEST(impaired_link, the_engine_ends_with_the_lab) {
  ImpairedPair pair(Impairment{}, Impairment{});
  pair.control->read(0, kThere);
  pair.control.reset();
  EXPECT_EQ(pair.engine.reap(), 0);
}

TEST(impaired_link, a_dead_engine_is_noticed) {
  ImpairedPair pair(Impairment{}, Impairment{});
  pair.engine.signal(SIGKILL);
  EXPECT_TRUE(WIFSIGNALED(pair.engine.reap()));
  EXPECT_THROW(pair.control->read(0, kThere), Failure);
}

}  // namespace
}  // namespace crypelab::impair::impaired_link_test
