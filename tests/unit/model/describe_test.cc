#include "harness/model/describe.h"

#include "harness/model/world.h"

#include <gtest/gtest.h>

namespace crypelab::model::describe_test {
namespace {

TEST(Describe, a_rule_reads_as_it_was_written) {
  EXPECT_EQ(describe(EgressRule{Drop{}, {.protocol = Protocol::udp}}), "drop { protocol: udp }");
  EXPECT_EQ(describe(EgressRule{Reject{}, {}}), "reject { with: admin-prohibited }");
  EXPECT_EQ(describe(EgressRule{Allow{},
                                {.protocol = Protocol::tcp,
                                 .ports = {{80, 80}, {1000, 2000}},
                                 .to = {*parse_prefix("203.0.113.0/24")},
                                 .domains = {"turn.crype.test"}}}),
            "allow { protocol: tcp, ports: [80, 1000-2000], to: [203.0.113.0/24], domains: [turn.crype.test] }");
  EXPECT_EQ(describe(EgressRule{AcceptThenDrop{.bytes = ByteCount{16'000}}, {}}), "accept-then-drop { after: 16kB }");
  EXPECT_EQ(describe(EgressRule{Lose{RandomLoss{Ratio{250'000}}}, {.protocol = Protocol::udp}}),
            "lose { loss: 25%, protocol: udp }");
}

TEST(Describe, a_direction_without_impairment_is_empty) {
  EXPECT_EQ(describe(Direction{}), "");
  EXPECT_EQ(
      describe(Direction{.delay = Duration(10'000), .rate = BitRate{50'000'000}, .loss = BurstLoss{Ratio{50'000}}}),
      "10ms, 50mbit, loss 5% in bursts of 4");
}

TEST(World, a_site_gets_addresses_that_no_other_site_has) {
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_TRUE(site_transit_v4(i).contains(site_public_v4(i)));
    EXPECT_FALSE(site_transit_v4(i + 1).contains(site_public_v4(i, 20)));
    EXPECT_FALSE(site_default_subnet_v4(i, false).overlaps(site_default_subnet_v4(i + 1, false)));
    EXPECT_FALSE(site_transit_v6(i).overlaps(site_transit_v6(i + 1)));
  }
}

TEST(World, names_lead_to_addresses_that_a_host_holds) {
  for (const auto& name : world_names()) {
    for (const auto& address : name.addresses) {
      bool held = false;
      for (const auto& host : world_hosts()) {
        for (const auto& own : host.addresses) held = held || own == address;
      }
      EXPECT_TRUE(held) << name.name << " " << to_string(address);
    }
  }
}

}  // namespace
}  // namespace crypelab::model::describe_test
