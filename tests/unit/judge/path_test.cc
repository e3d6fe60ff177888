#include "harness/model/describe.h"
#include "made.h"

#include <gtest/gtest.h>

namespace crypelab::judge::path_test {
namespace {

using namespace made;  // NOLINT(google-build-using-namespace)
using model::Outcome;
using model::PathClass;

const Endpoint kBob{*parse_address("198.18.9.9"), 4000};

class Paths : public testing::Test {
 protected:
  Paths() : evidence(two_sites()), alice{evidence.address("alice"), 5000}, bob{evidence.address("bob"), 4000} {
    evidence.hellos();
    evidence.words(ms(2000));
    evidence.ends(ms(6000));
    evidence.event(ms(12'000), model::Source::rule, "office.edge", "counter",
                   {{"name", std::string("x")}, {"packets", std::int64_t{0}}});
    direct_data(evidence, "bob", bob, Endpoint{evidence.public_address(), 5000}, bob, ms(1000), 60);
  }
  std::string path_of_alice() {
    const auto judgement = evidence.judged();
    const auto& path = judgement.clients.at(0).path;
    return path ? model::describe(*path) : "none";
  }
  Evidence evidence;
  Endpoint alice;
  Endpoint bob;
};

TEST_F(Paths, an_own_address_that_the_peer_sees_is_direct) {
  direct_data(evidence, "alice", alice, bob, alice, ms(1000));
  EXPECT_EQ(path_of_alice(), "direct");
}

TEST_F(Paths, an_address_that_a_stun_server_had_told_is_srflx) {
  const Endpoint outside{evidence.public_address(), 5000};
  const auto server = world("turn.crype.test", 3478);
  evidence.udp(ms(900), "alice.eth0", true, alice, server, stun({}));
  evidence.udp(ms(905), "alice.eth0", false, alice, server,
               stun({.message_class = wire::StunClass::success, .mapped = outside}));
  direct_data(evidence, "alice", alice, bob, outside, ms(1000));
  EXPECT_EQ(path_of_alice(), "srflx");
}

TEST_F(Paths, an_address_that_nobody_had_told_is_peer_reflexive_and_counts_as_direct) {
  direct_data(evidence, "alice", alice, bob, Endpoint{evidence.public_address(), 777}, ms(1000));
  EXPECT_EQ(path_of_alice(), "direct");
}

TEST_F(Paths, channel_data_over_udp_is_relay_udp) {
  relayed_data(evidence, "alice", alice, ms(1000));
  EXPECT_EQ(path_of_alice(), "relay-udp");
}

TEST_F(Paths, stun_on_a_connection_to_the_relay_is_relay_tcp_even_on_its_tls_port) {
  Tcp tcp(evidence, "alice.eth0", alice, world("turns.crype.test", 443));
  tcp.open(ms(1000));
  tcp.send(ms(1010), stun({.method = wire::StunMethod::allocate, .id = 3, .transport = true}));
  tcp.receive(ms(1011), stun({.message_class = wire::StunClass::success,
                              .method = wire::StunMethod::allocate,
                              .id = 3,
                              .relayed = Endpoint{evidence.address("turn-a"), 50000}}));
  for (int i = 0; i < 20; ++i) {
    Bytes frame(1024);
    const auto whole = wire::write_channel_data(frame, 0x4000, dtls_data(61), wire::Padding::to_four);
    tcp.send(ms(1020 + 20 * i), {whole.begin(), whole.end()});
    tcp.receive(ms(1030 + 20 * i), {whole.begin(), whole.end()});
  }
  EXPECT_EQ(path_of_alice(), "relay-tcp");
}

TEST_F(Paths, a_client_hello_to_the_relay_is_relay_tls) {
  Tcp tcp(evidence, "alice.eth0", alice, world("turns.crype.test", 443));
  tcp.open(ms(1000));
  tls_data(tcp, ms(1010), "turns.crype.test");
  EXPECT_EQ(path_of_alice(), "relay-tls");
}

TEST_F(Paths, both_may_move_on_to_tls_where_nothing_is_visible) {
  for (const int records : {10, 60}) {
    Evidence moved(two_sites());
    moved.hellos();
    moved.words(ms(2000));
    moved.ends(ms(6000));
    direct_data(moved, "alice", alice, bob, alice, ms(1000));
    direct_data(moved, "bob", bob, Endpoint{moved.public_address(), 5000}, bob, ms(1000));
    for (const auto* who : {"alice", "bob"}) {
      Tcp tcp(moved, std::string(who) + ".eth0", {moved.address(who), 5001}, world("turns.crype.test", 443));
      tcp.open(ms(2500));
      tls_data(tcp, ms(2510), "turns.crype.test", records);
    }
    const auto judgement = moved.judged();
    ASSERT_TRUE(judgement.clients.at(0).path);
    EXPECT_EQ(model::describe(*judgement.clients.at(0).path), records < 40 ? "direct" : "relay-tls");
  }
}

TEST_F(Paths, tls_to_the_signaling_server_is_no_path) {
  Tcp tcp(evidence, "alice.eth0", alice, world("signal.crype.test", 443));
  tcp.open(ms(1000));
  tls_data(tcp, ms(1010), "signal.crype.test");
  EXPECT_EQ(path_of_alice(), "none");
}

TEST_F(Paths, a_relay_under_tls_that_idles_is_not_the_path_of_data_that_go_directly) {
  direct_data(evidence, "alice", alice, bob, alice, ms(1000));
  Tcp tcp(evidence, "alice.eth0", Endpoint{alice.address, 6000}, world("turns.crype.test", 443));
  tcp.open(ms(900));
  tls_data(tcp, ms(910), "turns.crype.test", 3);
  EXPECT_EQ(path_of_alice(), "direct");
}

TEST_F(Paths, what_moved_to_another_relay_is_judged_by_where_it_ended) {
  direct_data(evidence, "alice", alice, bob, alice, ms(1000), 20);
  relayed_data(evidence, "alice", Endpoint{alice.address, 7000}, ms(2000), 40);
  EXPECT_EQ(path_of_alice(), "relay-udp");
}

class ProxyPaths : public testing::Test {
 protected:
  static model::Scenario with_proxy() {
    auto scenario = two_sites();
    scenario.sites[0].proxies.push_back({});
    return scenario;
  }
  ProxyPaths() : evidence(with_proxy()), alice{evidence.address("alice"), 5000}, bob{evidence.address("bob"), 4000} {
    evidence.hellos();
    evidence.words(ms(2000));
    direct_data(evidence, "bob", bob, Endpoint{evidence.public_address(), 5000}, bob, ms(1000), 60);
  }
  Tcp connect(const std::string& target, const std::string& answer = "HTTP/1.1 200 OK\r\n\r\n") {
    Tcp tcp(evidence, "alice.eth0", alice, Endpoint{evidence.address("office.proxy"), 3128});
    tcp.open(ms(1000));
    tcp.send(ms(1002), text("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n"));
    tcp.receive(ms(1005), text(answer));
    return tcp;
  }
  Evidence evidence;
  Endpoint alice;
  Endpoint bob;
};

TEST_F(ProxyPaths, tls_in_a_tunnel_to_the_relay_is_relay_tls_by_the_proxy) {
  auto tcp = connect("turns.crype.test:443");
  tls_data(tcp, ms(1010), "turns.crype.test");
  const auto judgement = evidence.judged();
  ASSERT_TRUE(judgement.clients.at(0).path);
  EXPECT_EQ(model::describe(*judgement.clients[0].path), "relay-tls+px");
  EXPECT_EQ(judgement.clients[0].path->by, "turns.crype.test:443");
}

TEST_F(ProxyPaths, a_tunnel_to_an_address_of_the_relay_counts_as_well) {
  auto tcp = connect(to_string(world("turns.crype.test", 443)));
  tls_data(tcp, ms(1010), "");
  const auto judgement = evidence.judged();
  ASSERT_TRUE(judgement.clients.at(0).path);
  EXPECT_EQ(model::describe(*judgement.clients[0].path), "relay-tls+px");
}

TEST_F(ProxyPaths, a_proxy_that_is_itself_reached_over_tls_shows_by_its_own_connection_what_is_inside) {
  Tcp tcp(evidence, "alice.eth0", alice, Endpoint{evidence.address("office.proxy"), 3128});
  tcp.open(ms(1000));
  tls_data(tcp, ms(1005), "proxy.office.test");
  Tcp onward(evidence, "office.proxy.eth0", Endpoint{evidence.address("office.proxy"), 40000},
             world("turns.crype.test", 443));
  onward.open(ms(1008));
  onward.send(ms(1010), client_hello("turns.crype.test"));
  const auto judgement = evidence.judged();
  ASSERT_TRUE(judgement.clients.at(0).path);
  EXPECT_EQ(model::describe(*judgement.clients[0].path), "relay-tls+px");
}

TEST_F(ProxyPaths, a_refusal_stands_in_the_rung_with_the_proxys_words) {
  connect("turns.crype.test:443", "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!");
  const auto judgement = evidence.judged();
  const auto& rungs = judgement.clients.at(0).rungs;
  ASSERT_FALSE(rungs.empty());
  EXPECT_EQ(rungs[0].name, "relay-tls+px");
  EXPECT_EQ(rungs[0].cause, "office.proxy:3128 answered 403 to CONNECT turns.crype.test:443");
}

TEST_F(ProxyPaths, a_challenge_that_was_not_met_says_what_was_offered) {
  connect("turns.crype.test:443",
          "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"x\"\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
          "Content-Length: 0\r\n\r\n");
  const auto judgement = evidence.judged();
  EXPECT_EQ(
      judgement.clients.at(0).rungs.at(0).cause,
      "office.proxy:3128 answered 407 to CONNECT turns.crype.test:443 without credentials (it offers Digest, Basic)");
}

}  // namespace
}  // namespace crypelab::judge::path_test
