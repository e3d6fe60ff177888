#include "harness/lab/capture_points.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace crypelab::lab::capture_points_test {
namespace {

using evidence::Interface;

TEST(CapturePoints, are_the_borders_the_clients_and_the_servers_that_clients_talk_to) {
  model::Scenario scenario;
  scenario.name = "test/points";
  model::Site office;
  office.name = "office";
  office.subnet4 = *parse_prefix("10.1.0.0/16");
  office.nat.emplace();
  office.carrier.emplace();
  office.proxies.emplace_back();
  model::Site home;
  home.name = "home";
  home.subnet4 = *parse_prefix("10.2.0.0/16");
  home.nat.emplace();
  scenario.sites = {office, home};
  scenario.clients = {{"alice", {"office", "home"}}, {"bob", {"home"}}};
  std::vector<std::string> seen;
  for (const auto& point : capture_points(blueprint::draw(scenario))) {
    seen.push_back(point.interface.name + " " + std::string(to_string(point.interface.kind)) + " " +
                   point.interface.host + " " + point.device + " " + point.interface.site);
  }
  std::ranges::sort(seen);
  EXPECT_EQ(seen,
            (std::vector<std::string>{
                "alice.eth0 lan alice eth0 office", "alice.eth1 lan alice eth1 home", "bob.eth0 lan bob eth0 home",
                "home.border border home.edge wan0 home", "office.border border office.edge wan0 office",
                "office.carrier carrier office.carrier wan0 office",
                "office.proxy.eth0 server office.proxy eth0 office", "signal.eth0 server signal eth0 ",
                "turn-a.eth0 server turn-a eth0 ", "turn-b.eth0 server turn-b eth0 ", "web.eth0 server web eth0 "}));
}

}  // namespace
}  // namespace crypelab::lab::capture_points_test
