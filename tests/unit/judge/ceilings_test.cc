#include "expectations.h"

// What the lab itself carried, beside what the clients say that they carried.
namespace crypelab::judge::ceilings_test {
namespace {

using model::Outcome;

class Ceilings : public Expectations {
 protected:
  void leg(const char* site, const char* client, const char* direction, std::int64_t goodput, bool complete = true,
           std::int64_t offered = 1'000'000'000) {
    evidence.event(ms(500), model::Source::measurement, site, "ceiling",
                   {{"client", std::string(client)},
                    {"direction", std::string(direction)},
                    {"from", std::string(client)},
                    {"way", std::string("up")},
                    {"transport", std::string("udp")},
                    {"goodput_bps", goodput},
                    {"offered_bps", offered},
                    {"complete", complete}});
  }
};

TEST_F(Ceilings, are_the_smaller_of_two_legs) {
  leg("office", "alice", "send", 9'600'000);
  leg("home", "bob", "send", 600'000'000);
  throughput("alice", 1'000'000, 1.0);
  const auto judgement = evidence.judged();
  ASSERT_EQ(judgement.ceilings.size(), 1U);
  EXPECT_EQ(judgement.ceilings[0].goodput_bps, 9.6e6);
  EXPECT_FALSE(judgement.ceilings[0].at_least);
  EXPECT_EQ(judgement.ceilings[0].legs.size(), 2U);
  EXPECT_TRUE(judgement.no_ceiling.empty());
}

TEST_F(Ceilings, that_took_all_that_was_offered_may_be_higher) {
  leg("office", "alice", "send", 995'000'000);
  leg("home", "bob", "send", 999'000'000);
  ASSERT_EQ(evidence.judged().ceilings.size(), 1U);
  EXPECT_TRUE(evidence.judged().ceilings[0].at_least);
}

TEST_F(Ceilings, need_both_legs_measured_to_their_ends) {
  leg("office", "alice", "send", 9'600'000);
  leg("home", "bob", "send", 0, false);
  EXPECT_TRUE(evidence.judged().ceilings.empty());
  EXPECT_EQ(evidence.judged().no_ceiling, "the measurement did not come to its end");
}

TEST_F(Ceilings, below_what_is_expected_make_a_shortfall_nobodys_fault) {
  leg("office", "alice", "send", 7'000'000);
  leg("home", "bob", "send", 600'000'000);
  throughput("alice", 800'000, 1.0);  // 6.4 Mbit/s
  expect(model::ExpectThroughput{BitRate{8'000'000}});
  EXPECT_EQ(only().outcome, Outcome::inconclusive);
  EXPECT_EQ(only().reason, "alice: 6.40 Mbit/s, and the lab itself carried no more than 7.00 Mbit/s on that path");
}

TEST_F(Ceilings, above_what_is_expected_leave_a_shortfall_the_clients) {
  leg("office", "alice", "send", 9'600'000);
  leg("home", "bob", "send", 600'000'000);
  throughput("alice", 800'000, 1.0);
  expect(model::ExpectThroughput{BitRate{8'000'000}});
  EXPECT_EQ(only().outcome, Outcome::fail);
}

}  // namespace
}  // namespace crypelab::judge::ceilings_test
