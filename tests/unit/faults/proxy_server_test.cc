#include "running_proxy.h"

#include <gtest/gtest.h>

namespace crypelab::faults::proxy_server_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(ProxyServer, a_tunnel_carries_bytes_both_ways_and_is_accounted_for) {
  RunningProxy proxy({});
  {
    Caller caller(proxy);
    EXPECT_EQ(caller.connect(proxy.target()), "HTTP/1.1 200 Connection established\r\n\r\n");
    const std::string bytes(100'000, 'x');
    caller.send(bytes);
    EXPECT_EQ(caller.receive(bytes.size()).bytes, bytes);
  }
  const auto journal = proxy.journal("tunnel-closed");
  EXPECT_NE(journal.find("\"received\":100000,\"sent\":100000"), std::string::npos) << journal;
  EXPECT_NE(journal.find("\"reason\":\"client\""), std::string::npos) << journal;
}

TEST(ProxyServer, bytes_sent_right_behind_the_request_are_the_first_of_the_tunnel) {
  RunningProxy proxy({});
  Caller caller(proxy);
  caller.send("CONNECT " + proxy.target() + " HTTP/1.1\r\n\r\nearly");
  const std::string head = "HTTP/1.1 200 Connection established\r\n\r\n";
  EXPECT_EQ(caller.receive(head.size() + 5).bytes, head + "early");
}

TEST(ProxyServer, every_byte_comes_in_a_segment_of_its_own) {
  ProxySettings settings;
  settings.pace.segment = 1;
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.connect(proxy.target());
  const auto before = caller.segments_in();
  const std::string bytes(500, 'x');
  caller.send(bytes);
  EXPECT_EQ(caller.receive(bytes.size()).bytes, bytes);
  EXPECT_GE(caller.segments_in() - before, bytes.size());
}

TEST(ProxyServer, without_a_pace_bytes_come_as_they_were_sent) {
  RunningProxy proxy({});
  Caller caller(proxy);
  caller.connect(proxy.target());
  const auto before = caller.segments_in();
  caller.send(std::string(500, 'x'));
  caller.receive(500);
  EXPECT_LT(caller.segments_in() - before, 10U);
}

TEST(ProxyServer, bytes_wait_for_the_batch) {
  ProxySettings settings;
  settings.pace.batch = 200ms;
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.connect(proxy.target());
  const auto began = Clock::now();
  for (int i = 0; i < 3; ++i) {
    caller.send("x");
    EXPECT_EQ(caller.receive(1).bytes, "x");
  }
  // Three ways there and three back, each but the first from one batch to the next.
  EXPECT_GE(Clock::now() - began, 900ms);
}

TEST(ProxyServer, a_tunnel_can_be_closed_reset_or_silenced_after_some_bytes) {
  for (const auto by : {CutBy::close, CutBy::reset, CutBy::silence}) {
    ProxySettings settings;
    settings.cut.bytes = 1000;
    settings.cut.by = by;
    RunningProxy proxy(settings);
    Caller caller(proxy);
    caller.connect(proxy.target());
    caller.send("x");
    ASSERT_EQ(caller.receive(1).bytes, "x");
    caller.send(std::string(1000, 'x'));
    const auto got = caller.receive(100'000, by == CutBy::silence ? 300ms : 5000ms);
    const auto end = by == CutBy::close ? Got::End::closed : by == CutBy::reset ? Got::End::reset : Got::End::open;
    EXPECT_EQ(got.end, end);
    EXPECT_LT(got.bytes.size(), 1000U);
    if (by != CutBy::silence) proxy.journal("\"reason\":\"bytes\"");
  }
}

TEST(ProxyServer, an_idle_tunnel_is_closed_and_a_busy_one_is_not) {
  ProxySettings settings;
  settings.cut.idle = 400ms;
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.connect(proxy.target());
  auto last = Clock::now();
  for (const auto end = last + 800ms; last < end;) {
    last = Clock::now();
    caller.send("x");
    ASSERT_EQ(caller.receive(1).bytes, "x");
  }
  EXPECT_EQ(caller.receive(1).end, Got::End::closed);
  EXPECT_GE(Clock::now() - last, 399ms);  // the proxy counts whole milliseconds
  proxy.journal("\"reason\":\"idle\"");
}

TEST(ProxyServer, a_tunnel_ends_with_its_lifetime_however_busy) {
  ProxySettings settings;
  settings.cut.after = 300ms;
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.connect(proxy.target());
  Got got;
  for (const auto end = Clock::now() + 5s; got.end == Got::End::open && Clock::now() < end;) {
    try {
      caller.send("x");
    } catch (const boost::system::system_error&) {
      break;
    }
    got = caller.receive(1);
  }
  proxy.journal("\"reason\":\"lifetime\"");
}

TEST(ProxyServer, tunnels_of_a_session_end_with_it) {
  ProxySettings settings;
  settings.realm = "OFFICE.TEST";
  settings.users = {{"alice", "wonderland"}};
  settings.challenges = {{"Basic", "", ""}};
  settings.session = 300ms;
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.send("CONNECT " + proxy.target() + " HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n\r\n");
  const auto got = caller.receive(10'000);
  EXPECT_EQ(got.end, Got::End::closed);
  EXPECT_TRUE(got.bytes.starts_with("HTTP/1.1 200 ")) << got.bytes;
  const auto journal = proxy.journal("credentials-expired");
  EXPECT_EQ(journal.find("wonderland"), std::string::npos);
  EXPECT_EQ(journal.find("YWxpY2U6"), std::string::npos);
}

TEST(ProxyServer, an_admitted_request_may_wait_for_ever) {
  ProxySettings settings;
  settings.answer = 0;
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.send("CONNECT " + proxy.target() + " HTTP/1.1\r\n\r\n");
  proxy.journal("withheld");
  const auto got = caller.receive(1, 200ms);
  EXPECT_EQ(got.end, Got::End::open);
  EXPECT_EQ(got.bytes, "");
}

TEST(ProxyServer, connections_are_refused_while_it_is_down) {
  ProxySettings settings;
  settings.down = Downtime{300ms, 700ms};
  RunningProxy proxy(settings);
  EXPECT_TRUE(Caller(proxy).connect(proxy.target()).starts_with("HTTP/1.1 200 "));
  proxy.journal("\"down\"");
  EXPECT_THROW(Caller{proxy}, boost::system::system_error);
  proxy.journal("\"up\"");
  EXPECT_TRUE(Caller(proxy).connect(proxy.target()).starts_with("HTTP/1.1 200 "));
}

TEST(ProxyServer, an_upstream_that_refuses_is_a_bad_gateway) {
  RunningProxy proxy({});
  EXPECT_TRUE(Caller(proxy).connect("127.0.0.1:1").starts_with("HTTP/1.1 502 "));
}

TEST(ProxyServer, bytes_behind_a_refusal_are_seen) {
  ProxySettings settings;
  settings.realm = "OFFICE.TEST";
  settings.challenges = {{"Basic", "", ""}};
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.send("CONNECT " + proxy.target() + " HTTP/1.1\r\n\r\n\x16\x03\x01");
  const auto journal = proxy.journal("malformed");
  EXPECT_NE(journal.find("\"status\":407"), std::string::npos) << journal;
}

TEST(ProxyServer, a_connection_that_stays_open_after_407_takes_the_next_request) {
  ProxySettings settings;
  settings.realm = "OFFICE.TEST";
  settings.users = {{"alice", "wonderland"}};
  settings.challenges = {{"Basic", "", ""}};
  RunningProxy proxy(settings);
  Caller caller(proxy);
  caller.send("CONNECT " + proxy.target() + " HTTP/1.1\r\n\r\nCONNECT " + proxy.target() +
              " HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n\r\n");
  proxy.journal("tunnel-opened");
}

TEST(ProxyServer, a_head_without_end_is_cut_off) {
  RunningProxy proxy({});
  Caller caller(proxy);
  caller.send("CONNECT " + proxy.target() + " HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  EXPECT_TRUE(caller.receive(12).bytes.starts_with("HTTP/1.1 400"));
}

}  // namespace
}  // namespace crypelab::faults::proxy_server_test
