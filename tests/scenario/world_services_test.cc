#include "command.h"

#include <gtest/gtest.h>

namespace crypelab::test::world_services_test {
namespace {

// alice -- office.edge (NAT, IPv6) -- internet -- turn-a, turn-b, signal
constexpr const char* kWorld = R"(
scenario: test/services
title: The services of the standard world
sites:
  office: { subnet: [10.20.0.0/24, "2001:db8:20::/64"], nat: {} }
clients:
  alice: { site: office }
)";

Finished in_world(const std::string& script, const std::string& more = "") {
  const ScenarioFile scenario(kWorld + more);
  return crypelab({"exec", scenario.path(), "--", "sh", "-c", script});
}

// turnutils_uclient of the package coturn makes allocations and sends itself messages through them.
std::string turn_client(const std::string& options) {
  return "turnutils_uclient -u \"$CRYPELAB_TURN_USER\" -w \"$CRYPELAB_TURN_PASSWORD\" -c -y -n 2 -m 1 " + options +
         " 2>&1";
}

void expect_relayed(const std::string& options) {
  const auto run = in_world(turn_client(options));
  EXPECT_EQ(run.status, 0) << run.out << run.err;
  EXPECT_NE(run.out.find("Total lost packets 0 "), std::string::npos) << options << run.out;
}

TEST(TurnServers, are_reached_over_ipv6) {
  expect_relayed("-p 3478 2001:db8:113::20");
  expect_relayed("-t -p 443 2001:db8:100::21");
}

TEST(TurnServers, show_certificates_of_the_labs_authority_for_their_names) {
  for (const char* name : {"turns.crype.test", "turns-b.crype.test"}) {
    for (const char* port : {"443", "5349"}) {
      const auto run = in_world("openssl s_client -connect " + std::string(name) + ":" + port + " -servername " + name +
                                " -verify_return_error -verify_hostname " + name + " </dev/null 2>&1");
      EXPECT_EQ(run.status, 0) << run.out;
      EXPECT_NE(run.out.find("Verification: OK"), std::string::npos) << run.out;
    }
  }
}

TEST(TurnServers, reset_plain_turn_on_a_tls_port) {
  for (const char* port : {"443", "5349"}) {
    const auto refused = in_world(turn_client("-t -p " + std::string(port) + " 203.0.113.22"));
    EXPECT_NE(refused.out.find("Connection reset by peer"), std::string::npos) << refused.out;
  }
}

TEST(TurnServers, refuse_wrong_passwords) {
  const auto run = in_world("turnutils_uclient -u \"$CRYPELAB_TURN_USER\" -w wrong -c -y -n 1 -m 1 203.0.113.20 2>&1");
  EXPECT_NE(run.out.find("Cannot complete Allocation"), std::string::npos) << run.out;
}

TEST(Signaling, gives_a_client_with_a_token_its_turn_servers) {
  const auto run = in_world(
      "curl -sS https://signal.crype.test/v1/ice-servers -H \"Authorization: Bearer $CRYPELAB_TOKEN\" && "
      "curl -sS -o /dev/null -w '%{http_code}' https://signal.crype.test/v1/ice-servers -H 'Authorization: Bearer x'");
  EXPECT_NE(run.out.find("turns:turns.crype.test:443?transport=tcp"), std::string::npos) << run.out << run.err;
  EXPECT_TRUE(run.out.ends_with("401")) << run.out;
}

TEST(Signaling, talks_to_a_websocket_client_that_nobody_here_wrote) {
  const auto run = in_world(R"(python3 - <<'END'
import asyncio, base64, json, os, websockets
token = base64.urlsafe_b64encode(os.environ["CRYPELAB_TOKEN"].encode()).decode().rstrip("=")
async def main():
    protocols = ["crype.signaling.v1", "crype.token." + token]
    async with websockets.connect("wss://signal.crype.test/v1/rooms/r1", subprotocols=protocols) as socket:
        print(socket.subprotocol, json.loads(await asyncio.wait_for(socket.recv(), 5)))
asyncio.run(main())
END)");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_NE(run.out.find("crype.signaling.v1"), std::string::npos) << run.out;
}

TEST(World, two_labs_at_once_have_the_same_ports_each) {
  const ScenarioFile scenario(kWorld);
  const std::string one = "'" CRYPELAB_BIN "/crypelab' exec '" + scenario.path() + "' -- sh -c '" +
                          turn_client("203.0.113.20 >/dev/null") + "'";
  const auto both = run("/bin/sh", {"-c", one + " & first=$!; " + one + " && wait $first"});
  EXPECT_EQ(both.status, 0) << both.err;
}

}  // namespace
}  // namespace crypelab::test::world_services_test
