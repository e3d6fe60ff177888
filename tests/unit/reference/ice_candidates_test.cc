// Which addresses an agent offers and takes, and in which order.
#include "ice_bench.h"

namespace crypelab::client::ice::ice_candidates_test {
namespace {

TEST(IceAgent, names_and_foreign_candidates_are_ignored_politely) {
  Bench b;
  b.begin();
  auto mdns = Bench::remote(there);
  mdns.host = "7b1c3f0e-55aa-4c11-9d5e-0123456789ab.local";
  EXPECT_FALSE(b.agent.add_remote(mdns, b.now));
  auto component = Bench::remote(there);
  component.component = 2;
  EXPECT_FALSE(b.agent.add_remote(component, b.now));
  auto generation = Bench::remote(there);
  generation.extensions = {{"ufrag", "older"}};
  EXPECT_FALSE(b.agent.add_remote(generation, b.now));
  for (const char* address : {"127.0.0.1:5", "[::1]:5", "224.0.0.1:5", "0.0.0.0:5", "[fe80::1]:5", "192.0.2.1:0"}) {
    EXPECT_FALSE(b.agent.add_remote(Bench::remote(*parse_endpoint(address)), b.now)) << address;
  }
  EXPECT_EQ(b.agent.tally().ignored_candidates, 9u);
  EXPECT_TRUE(b.agent.checklist().pairs().empty());
}

TEST(IceAgent, local_candidates_have_unique_priorities_and_shared_foundations) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i05} : Misbehaviour{}});
    const auto outside = *parse_address("203.0.113.1");
    for (std::uint16_t i = 0; i < 4; ++i) {
      b.agent.add_local({.base = i, .address = {here.address, static_cast<std::uint16_t>(5000 + i)}, .related = here},
                        b.now);
      b.agent.add_local({.base = i,
                         .type = Type::srflx,
                         .address = {outside, static_cast<std::uint16_t>(7000 + i)},
                         .related = {here.address, static_cast<std::uint16_t>(5000 + i)},
                         .server = there.address},
                        b.now);
    }
    b.drain();
    std::set<std::uint32_t> priorities;
    std::set<std::string> foundations;
    for (const auto& event : b.events) {
      priorities.insert(event.candidate.priority);
      foundations.insert(event.candidate.foundation);
    }
    EXPECT_EQ(priorities.size(), bad ? 1u : 8u);
    EXPECT_EQ(foundations.size(), 2u);
  }
}

TEST(IceAgent, addresses_that_help_nobody_are_not_offered) {
  for (const char* address : {"127.0.0.1:1", "[::1]:1", "[fec0::1]:1", "[::ffff:192.0.2.1]:1"}) {
    for (const bool bad : {false, true}) {
      Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i01} : Misbehaviour{}});
      const auto endpoint = *parse_endpoint(address);
      EXPECT_EQ(b.agent.add_local({.base = base, .address = endpoint, .related = endpoint}, b.now), bad) << address;
    }
  }
  Bench local({.allow_loopback = true});
  const auto loopback = *parse_endpoint("127.0.0.1:1");
  EXPECT_TRUE(local.agent.add_local({.base = base, .address = loopback, .related = loopback}, local.now));
}

TEST(IceAgent, active_tcp_candidates_are_told_with_port_9) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i28} : Misbehaviour{}});
    b.agent.add_local(
        {.base = 4, .transport = Transport::tcp, .tcp_type = TcpType::active, .address = here, .related = here}, b.now);
    b.drain();
    const auto& told = b.events.at(0).candidate;
    EXPECT_EQ(told.port, bad ? here.port : 9);
    EXPECT_EQ(told.tcp_type == TcpType::active, !bad);
    if (!bad) {
      EXPECT_TRUE(wire::parse_candidate(wire::to_text(told)));
    }
  }
}

TEST(IcePriority, families_take_turns_and_kinds_have_their_order) {
  const std::array addresses{*parse_address("192.0.2.1"), *parse_address("192.0.2.2"), *parse_address("2001:db8::1"),
                             *parse_address("2001:db8::2")};
  const auto p = fair_preferences(addresses);
  EXPECT_GT(p[2], p[0]);
  EXPECT_GT(p[0], p[3]);
  EXPECT_GT(p[3], p[1]);
  const auto type = [](Type t, Transport transport, RelayedOver over = RelayedOver::none) {
    return type_preference(t, transport, over);
  };
  EXPECT_GT(type(Type::host, Transport::udp), type(Type::prflx, Transport::udp));
  EXPECT_GT(type(Type::srflx, Transport::udp), type(Type::host, Transport::tcp));
  EXPECT_GT(type(Type::host, Transport::tcp), type(Type::relay, Transport::udp, RelayedOver::udp));
  EXPECT_GT(type(Type::relay, Transport::udp, RelayedOver::tcp), type(Type::relay, Transport::udp, RelayedOver::tls));
  EXPECT_EQ(candidate_priority(126, 65535), 2130706431u);
  EXPECT_EQ(pair_priority(2, 1), (std::uint64_t{1} << 32) + 4 + 1);
  EXPECT_EQ(tcp_local_preference(Type::host, TcpType::active, 1), 6u << 13 | 1);
}

}  // namespace
}  // namespace crypelab::client::ice::ice_candidates_test
