#include "../unit/evidence/temporary_folder.h"
#include "command.h"

#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

// The harness's own ceiling, beside the throughput of two real clients in the same run.
namespace crypelab::test::ceiling_test {
namespace {

struct MeasuredCall {
  double goodput = 0;  // bits per second: what arrived at bob, as the caller says
  double ceiling = 0;
  boost::json::object attempt;
};

// `uplink` is of alice's site, `habits` are hers.
MeasuredCall measured_call(const std::string& uplink, const std::string& habits = "") {
  const evidence::TemporaryFolder folder;
  evidence::put(folder.path() / "measured.yaml",
                fmt::format("scenario: test/measured\ntitle: Measured\n"
                            "sites: {{office: {{{}}}, home: {{nat: {{}}}}}}\n"
                            "clients: {{alice: {{site: office{}}}, bob: {{site: home}}}}\n"
                            "work: [{{throughput: {{time: 1s}}}}]\nexpect: [{{connected: {{within: 20s}}}}]\n",
                            uplink, habits));
  const auto finished = crypelab({"run", folder.path() / "measured.yaml", "--out", folder.path() / "out"});
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  MeasuredCall call;
  call.attempt =
      boost::json::parse(evidence::contents(folder.path() / "out" / "run.json")).at("attempts").at(0).as_object();
  const auto& phases = call.attempt.at("clients").at(0).at("throughput").as_array();
  if (!phases.empty()) call.goodput = phases.at(0).at("goodput_bps").to_number<double>();
  const auto& ceilings = call.attempt.at("ceilings").as_array();
  EXPECT_EQ(ceilings.size(), 1U) << call.attempt.at("no_ceiling");
  if (!ceilings.empty()) call.ceiling = ceilings.at(0).at("goodput_bps").to_number<double>();
  return call;
}

TEST(Ceiling, of_a_limited_uplink_is_its_rate_and_the_client_stays_below) {
  const auto call = measured_call("uplink: {rate: 10mbit}");
  EXPECT_GT(call.ceiling, 8.5e6);
  EXPECT_LT(call.ceiling, 10e6);
  EXPECT_GT(call.goodput, 1e6);
  EXPECT_LT(call.goodput, 1.05 * call.ceiling);
  const auto& legs = call.attempt.at("ceilings").at(0).at("legs").as_array();
  ASSERT_EQ(legs.size(), 2U);
  EXPECT_EQ(legs.at(0).at("from").as_string(), "alice");
  EXPECT_EQ(legs.at(0).at("way").as_string(), "up");
  EXPECT_EQ(legs.at(1).at("from").as_string(), "bob");
  EXPECT_EQ(legs.at(1).at("way").as_string(), "down");
}

TEST(Ceiling, of_the_twin_without_a_limit_is_far_above) {
  const auto call = measured_call("");
  EXPECT_GT(call.ceiling, 30e6);
  EXPECT_GT(call.goodput, 0);
}

// Nothing but the proxy gets out, and the ceiling is measured from there.
TEST(Ceiling, behind_a_proxy_is_measured_from_the_proxy) {
  const auto call =
      measured_call("egress: [{reject: {}}], dns: internal-only, proxy: {}, uplink: {rate: 20mbit}",
                    ", app: desktop, proxy: {mode: fixed_servers, rules: \"http://proxy.office.test:3128\"}");
  EXPECT_GT(call.ceiling, 15e6);
  EXPECT_LT(call.ceiling, 20e6);
  EXPECT_EQ(call.attempt.at("ceilings").at(0).at("legs").at(0).at("from").as_string(), "office.proxy");
}

}  // namespace
}  // namespace crypelab::test::ceiling_test
