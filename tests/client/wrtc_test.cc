// Calls with a stranger: libwebrtc, through @roamhq/wrtc and the adapter in clients/adapters/wrtc.
#include "call.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#ifdef CRYPELAB_NODE

namespace crypelab::client::wrtc_test {
namespace {

const std::vector<std::string> stranger{CRYPELAB_NODE, CRYPELAB_SOURCE "/clients/adapters/wrtc/client.mjs"};

boost::json::array all_work() {
  return boost::json::parse(R"([
      {"echo": {"count": 20, "interval": 5, "size": 120}},
      {"throughput": {"seconds": 1, "direction": "both", "delivery": "ordered", "size": 1150}},
      {"throughput": {"seconds": 1, "direction": "send", "delivery": "unordered-unreliable", "size": 1150}},
      {"hold": {"seconds": 1, "traffic": "audio"}}])")
      .as_array();
}

TEST(Stranger, is_called_and_does_all_work) {
  const SignalingServer signaling;
  Call call(signaling, {.work = all_work(), .bob_command = stranger});
  ASSERT_TRUE(call.connected()) << call.told();
  ASSERT_TRUE(call.ended_well()) << call.told();
  EXPECT_EQ(call.alice().event("echo")->at("received"), 20);
  ASSERT_EQ(call.alice().events("throughput").size(), 3U) << call.told();
  for (const auto& result : call.alice().events("throughput")) EXPECT_GT(result.at("received").as_int64(), 100);
}

TEST(Stranger, calls_and_is_echoed) {
  const SignalingServer signaling;
  Call call(signaling, {.work = all_work(), .alice_command = stranger});
  ASSERT_TRUE(call.connected()) << call.told();
  ASSERT_TRUE(call.ended_well()) << call.told();
  EXPECT_EQ(call.alice().event("echo")->at("received"), 20) << call.told();
  ASSERT_EQ(call.bob().events("throughput").size(), 3U) << call.told();
}

TEST(Stranger, is_reached_over_a_relay) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  Call call(signaling, {.ice_servers = turn.servers("udp"), .policy = "relay", .bob_command = stranger});
  ASSERT_TRUE(call.connected()) << call.told();
  EXPECT_EQ(call.alice().event("selected")->at("local").at("candidateType"), "relay");
}

}  // namespace
}  // namespace crypelab::client::wrtc_test

#else

TEST(Stranger, is_called_and_does_all_work) {
  GTEST_SKIP() << "libwebrtc for Node is not here: npm install in clients/adapters/wrtc, then cmake again";
}

#endif
