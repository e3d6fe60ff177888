#include "clients/reference/datachannel/connection.h"
#include "seeded_random.h"

#include <functional>
#include <thread>

#include <gtest/gtest.h>

namespace crypelab::client::datachannel::datachannel_test {
namespace {

using namespace std::chrono_literals;

struct Side final : Connection::Output {
  Certificate certificate;
  std::optional<Connection> connection;
  std::vector<std::vector<std::uint8_t>> sent;
  std::vector<Event> events;
  void send_datagram(wire::Bytes datagram) override { sent.emplace_back(datagram.begin(), datagram.end()); }

  const Event* find(Event::Kind kind) const {
    for (const auto& event : events) {
      if (event.kind == kind) return &event;
    }
    return nullptr;
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& event : events) {
      if (event.kind == Event::Kind::message) out.emplace_back(wire::text_of(event.data));
    }
    return out;
  }
};

// Two connections in one process, and the wire between them, on the machine's clock: OpenSSL looks at it.
class DataChannel : public ::testing::Test {
 protected:
  Side a, b;
  SeededRandom random{7};
  unsigned loss_percent = 0;
  std::size_t largest = 0;

  void make(const std::function<void(Connection::Settings&, Connection::Settings&)>& change = [](auto&, auto&) {}) {
    Connection::Settings active, passive;
    active.dtls = {.role = Dtls::Role::active, .peer = {b.certificate.fingerprint()}, .first_timeout = 20ms};
    passive.dtls = {.role = Dtls::Role::passive, .peer = {a.certificate.fingerprint()}, .first_timeout = 20ms};
    change(active, passive);
    a.connection.emplace(active, a.certificate, a);
    b.connection.emplace(passive, b.certificate, b);
    b.connection->start(Time::clock::now());
    a.connection->start(Time::clock::now());
  }
  void carry(Side& from, Side& to, Time now) {
    const auto datagrams = std::exchange(from.sent, {});
    for (const auto& datagram : datagrams) {
      largest = std::max(largest, datagram.size());
      if (random.below(100) < loss_percent) continue;
      to.connection->receive(datagram, now);
    }
  }
  void poll(Side& side) {
    while (auto event = side.connection->poll()) side.events.push_back(std::move(*event));
  }
  bool run(const std::function<bool()>& fact) {
    const auto deadline = Time::clock::now() + 20s;
    while (true) {
      const auto now = Time::clock::now();
      a.connection->wake(now);
      b.connection->wake(now);
      carry(a, b, now);
      carry(b, a, now);
      poll(a);
      poll(b);
      if (fact()) return true;
      if (now > deadline) return false;
      if (a.sent.empty() && b.sent.empty()) std::this_thread::yield();
    }
  }
  bool both(Event::Kind kind) {
    return run([&] { return a.find(kind) != nullptr && b.find(kind) != nullptr; });
  }
};

TEST_F(DataChannel, opens_and_carries_both_ways) {
  make();
  const auto control = b.connection->open({.label = "crype-control"});
  EXPECT_EQ(control % 2, 1);  // RFC 8832 §6
  ASSERT_TRUE(both(Event::Kind::channel_open));
  EXPECT_EQ(a.find(Event::Kind::channel_open)->settings.label, "crype-control");
  EXPECT_EQ(a.find(Event::Kind::channel_open)->channel, control);
  ASSERT_TRUE(b.connection->send(control, wire::bytes_of("hello"), true));
  ASSERT_TRUE(a.connection->send(control, wire::bytes_of(""), false));
  ASSERT_TRUE(both(Event::Kind::message));
  EXPECT_TRUE(a.find(Event::Kind::message)->text);
  EXPECT_EQ(a.texts(), std::vector<std::string>{"hello"});
  EXPECT_EQ(b.texts(), std::vector<std::string>{""});
  EXPECT_FALSE(b.find(Event::Kind::message)->text);
}

TEST_F(DataChannel, tells_how_a_channel_carries_messages) {
  make();
  const ChannelSettings wanted{.label = "crype-data",
                               .protocol = "x",
                               .ordered = false,
                               .reliable = false,
                               .retransmissions = 0,
                               .priority = 256};
  a.connection->open(wanted);
  ASSERT_TRUE(both(Event::Kind::channel_open));
  EXPECT_EQ(b.find(Event::Kind::channel_open)->settings, wanted);
}

TEST_F(DataChannel, loses_nothing_over_a_path_that_loses_a_fifth) {
  loss_percent = 20;
  make();
  const auto channel = a.connection->open({.label = "c"});
  ASSERT_TRUE(both(Event::Kind::channel_open));
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.push_back("message " + std::to_string(i));
    ASSERT_TRUE(a.connection->send(channel, wire::bytes_of(expected.back()), true));
  }
  EXPECT_TRUE(run([&] { return b.texts().size() == 100; }));
  EXPECT_EQ(b.texts(), expected);
}

TEST_F(DataChannel, sends_no_datagram_that_needs_an_mtu_above_1200) {
  make();
  const auto channel = a.connection->open({.label = "c"});
  ASSERT_TRUE(both(Event::Kind::channel_open));
  const std::string large(200'000, 'x');
  ASSERT_TRUE(a.connection->send(channel, wire::bytes_of(large), false));
  ASSERT_TRUE(run([&] { return b.find(Event::Kind::message) != nullptr; }));
  EXPECT_EQ(b.texts(), std::vector<std::string>{large});
  // 48 bytes of IPv6 and UDP, 52 of a TURN indication around it.
  EXPECT_LE(largest + 48 + 52, 1'200U);
}

TEST_F(DataChannel, takes_no_more_than_there_is_room_for) {
  make();
  const auto channel = a.connection->open({.label = "c"});
  ASSERT_TRUE(both(Event::Kind::channel_open));
  const std::string message(1'000, 'x');
  const auto fill = [&](std::uint64_t room) {
    std::size_t taken = 0;
    while (a.connection->send(channel, wire::bytes_of(message), false, room)) ++taken;
    return taken;
  };
  EXPECT_NEAR(static_cast<double>(fill(20'000)), 20, 2);
  EXPECT_NEAR(static_cast<double>(fill(60'000)), 40, 2);  // what is urgent gets more
  EXPECT_TRUE(run([&] { return b.texts().size() >= 58; }));
}

TEST_F(DataChannel, refuses_a_certificate_that_was_not_signaled) {
  const Certificate other;
  make([&](auto& active, auto&) { active.dtls.peer = {other.fingerprint()}; });
  ASSERT_TRUE(run([&] { return a.find(Event::Kind::failed) != nullptr; }));
  EXPECT_NE(a.find(Event::Kind::failed)->reason.find("fingerprint"), std::string::npos);
  EXPECT_EQ(a.find(Event::Kind::secure), nullptr);
}

TEST_F(DataChannel, is_told_of_the_others_goodbye) {
  make();
  a.connection->open({.label = "c"});
  ASSERT_TRUE(both(Event::Kind::channel_open));
  a.connection->close();
  EXPECT_TRUE(run([&] { return b.find(Event::Kind::closed) != nullptr; }));
}

TEST_F(DataChannel, survives_any_datagram) {
  make();
  const auto channel = a.connection->open({.label = "c"});
  ASSERT_TRUE(both(Event::Kind::channel_open));
  for (int i = 0; i < 2'000; ++i) {
    std::vector<std::uint8_t> junk(random.below(200));
    random.fill(junk);
    b.connection->receive(junk, Time::clock::now());
  }
  ASSERT_TRUE(a.connection->send(channel, wire::bytes_of("still here"), true));
  EXPECT_TRUE(run([&] { return !b.texts().empty(); }));
}

TEST(Dcep, reads_what_it_writes_and_refuses_the_rest) {
  const ChannelSettings channel{
      .label = "l", .protocol = "pp", .ordered = false, .reliable = false, .timed = true, .lifetime_ms = 70'000};
  auto message = open_message(channel);
  auto read = parse_channel_message(message);
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<ChannelSettings>(*read), channel);
  message.pop_back();
  EXPECT_FALSE(parse_channel_message(message));
  EXPECT_FALSE(parse_channel_message({}));
  message.assign(12, 0);
  EXPECT_FALSE(parse_channel_message(message));
  message[0] = 3;
  message[1] = 0x7F;
  EXPECT_FALSE(parse_channel_message(message));
  EXPECT_TRUE(std::holds_alternative<ChannelAck>(*parse_channel_message(ack_message())));
}

}  // namespace
}  // namespace crypelab::client::datachannel::datachannel_test
