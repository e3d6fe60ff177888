#include "running_lab.h"

#include <fmt/format.h>

// Which way packets take inside a site, and out of the site of a host that is in two.
namespace crypelab::test::sites_test {
namespace {

constexpr const char* kFarSide = "198.51.100.90";

std::string address_of(RunningLab& lab, const std::string& host) {
  return lab.run(host, {"/bin/sh", "-c", "ip -4 -o addr show dev eth0 | sed 's/.* inet \\([0-9.]*\\).*/\\1/'"}).text;
}

class Isolation : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Sites, Isolation, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "isolated" : "together"; });

TEST_P(Isolation, decides_whether_hosts_of_a_site_reach_each_other_and_not_whether_they_reach_the_internet) {
  auto plan = draw(fmt::format(R"(
scenario: test/isolation
title: Two guests of one hotel
sites:
  hotel: {{nat: {{}}, isolation: {}}}
clients:
  alice: {{site: hotel}}
  bob: {{site: hotel}}
)",
                               GetParam()));
  for (const char* host : {"alice", "bob", "reflector"}) plan.processes.push_back(listener(host, 7, "echo"));
  in_a_running_lab(plan, [](RunningLab& lab) {
    const std::string neighbour = GetParam() ? "silence" : "reply";
    for (const auto& [from, to] : {std::pair{"alice", "bob"}, std::pair{"bob", "alice"}}) {
      const auto address = address_of(lab, to);
      ASSERT_FALSE(address.empty());
      EXPECT_EQ(lab.run(from, probe({"datagram", address, "7", "ssh"})).text, neighbour) << from << " to " << address;
      EXPECT_EQ(lab.run(from, probe({"datagram", kFarSide, "7", "ssh"})).text, "reply") << from;
    }
  });
}

// Where the far side sees alice come from, and where it sees the neighbour who is in that site alone.
void expect_alice_to_leave_as(const std::string& neighbour, const std::string& routes) {
  auto plan = draw(fmt::format(R"(
scenario: test/two-uplinks
title: A host that is in two sites
sites:
  wlan: {{nat: {{}}}}
  lte: {{nat: {{}}}}
clients:
  alice: {{sites: [wlan, lte]{}}}
  walter: {{site: wlan}}
  lena: {{site: lte}}
)",
                               routes));
  plan.processes.push_back(listener("reflector", 80));
  in_a_running_lab(plan, [&](RunningLab& lab) {
    std::vector<std::string> peers;
    for (const char* host : {"walter", "lena", "alice"}) {
      lab.run(host, probe({"say", kFarSide, "80", "http"}));
      const auto seen = lab.events("connection", peers.size() + 1);
      ASSERT_EQ(seen.size(), peers.size() + 1) << host;
      peers.emplace_back(model::text_field(seen.back(), "peer"));
    }
    EXPECT_NE(peers[0], peers[1]);
    EXPECT_EQ(peers[2], peers[neighbour == "walter" ? 0 : 1]);
  });
}

TEST(TwoUplinks, the_first_site_is_the_way_out) { expect_alice_to_leave_as("walter", ""); }

TEST(TwoUplinks, a_route_by_address_takes_the_other_one) {
  expect_alice_to_leave_as("lena", ", routes: [{to: 198.51.100.90/32, via: lte}]");
}

}  // namespace
}  // namespace crypelab::test::sites_test
