#include "command.h"

#include <cctype>

#include <gtest/gtest.h>

namespace crypelab::test::nat64_test {
namespace {

// alice has IPv6 alone; the reflector's IPv4 address is reached through the prefix.
std::string mobile(const std::string& dns64) {
  return R"(
scenario: test/nat64
title: IPv6 alone
proves: nothing by itself
sites:
  mobile:
    subnet: 2001:db8:61::/64
    nat64: {prefix: "2001:db8:64::/96", dns64: )" +
         dns64 + "}\nclients:\n  alice: {site: mobile}\n";
}

std::string python(const ScenarioFile& scenario, const std::string& program) {
  const auto finished = crypelab({"exec", scenario.path(), "--", "/usr/bin/python3", "-c", program});
  EXPECT_EQ(finished.status, 0) << finished.err;
  return finished.out;
}

// RFC 7050 section 3: the prefix shows in the addresses of a name that has IPv4 addresses alone.
constexpr const char* kDiscover = R"py(
import socket
try:
    found = socket.getaddrinfo("ipv4only.arpa", None, socket.AF_INET6, socket.SOCK_STREAM)
    print(sorted(entry[4][0] for entry in found))
except socket.gaierror as error:
    print("none")
)py";

TEST(Nat64, with_dns64_a_name_with_ipv4_alone_shows_the_prefix) {
  const ScenarioFile scenario(mobile("true"));
  EXPECT_EQ(python(scenario, kDiscover), "['2001:db8:64::c000:aa', '2001:db8:64::c000:ab']\n");
}

TEST(Nat64, without_dns64_it_shows_nothing) {
  const ScenarioFile scenario(mobile("false"));
  EXPECT_EQ(python(scenario, kDiscover), "none\n");
}

TEST(Nat64, names_with_both_families_keep_their_own_ipv6_address) {
  const ScenarioFile scenario(mobile("true"));
  const auto found = crypelab({"exec", scenario.path(), "--", "getent", "ahostsv6", "turn.crype.test"});
  EXPECT_NE(found.out.find("2001:db8:113::20"), std::string::npos) << found.out;
  EXPECT_EQ(found.out.find("2001:db8:64::"), std::string::npos) << found.out;
}

// Sends an ICMPv6 echo with so many bytes behind its header, never in fragments, and prints the milliseconds that the
// answer took, or "too-big", or "silence".
std::string echo(const ScenarioFile& scenario, const std::string& to, const std::string& size) {
  constexpr const char* kEcho = R"py(
import socket, sys, time
to, size = sys.argv[1], int(sys.argv[2])
asking = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)
asking.setsockopt(socket.IPPROTO_IPV6, 23, 2)  # IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO
asking.settimeout(3)
begin = time.monotonic()
try:
    asking.sendto(bytes([128, 0, 0, 0, 0, 1, 0, 1]) + bytes(size), (to, 0))
    answer = asking.recv(65535)
    assert answer[0] == 129 and len(answer) == size + 8
    print(int((time.monotonic() - begin) * 1000))
except TimeoutError:
    print("silence")
except OSError as error:
    print("too-big" if error.errno == 90 else error)
)py";
  const auto finished = crypelab({"exec", scenario.path(), "--", "/usr/bin/python3", "-c", kEcho, to, size});
  EXPECT_EQ(finished.status, 0) << finished.err;
  return finished.out.substr(0, finished.out.find('\n'));
}

TEST(Nat64, an_echo_passes_in_every_size_that_fits) {
  const ScenarioFile scenario(mobile("false"));
  // 1500 bytes of IPv6 are 1480 of IPv4.
  for (const char* size : {"0", "1232", "1233", "1452"}) {
    EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(echo(scenario, "2001:db8:64::c633:645a", size)[0]))) << size;
  }
  EXPECT_EQ(echo(scenario, "2001:db8:64::c633:645a", "1453"), "too-big");
}

class MeasuredNat64 : public testing::TestWithParam<const char*> {};

// UDP and TCP through the translator, the resolver, and the prefix.
TEST_P(MeasuredNat64, agrees_with_what_the_scenario_declares) {
  const auto measured = crypelab({"measure", "--quick", GetParam()});
  EXPECT_EQ(measured.status, 0) << measured.out << measured.err;
  EXPECT_NE(measured.out.find("2001:db8:64::c633:645a"), std::string::npos) << measured.out;
}

INSTANTIATE_TEST_SUITE_P(Nat64, MeasuredNat64, testing::Values("ipv6/s61-nat64", "ipv6/n5-nat64-without-dns64"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) c = (c == '/' || c == '-') ? '_' : c;
                           return name;
                         });

// The first packet to the world, from each side of a lab that has just come up, waits for no neighbour.
TEST(Ipv6, the_first_echo_of_a_fresh_lab_is_answered_at_once) {
  const ScenarioFile scenario(mobile("false"));
  for (int i = 0; i < 5; ++i) {
    const auto answer = echo(scenario, "2001:db8:100::90", "0");
    ASSERT_TRUE(std::isdigit(static_cast<unsigned char>(answer[0]))) << answer;
    EXPECT_LT(std::stoi(answer), 500);
  }
}

}  // namespace
}  // namespace crypelab::test::nat64_test
