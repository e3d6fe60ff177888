#include "command.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::test::domains_test {
namespace {

// A border that lets through what the site's resolver has answered for these names.
std::string listing(const std::string& domains) {
  return "scenario: test/domains\ntitle: A border that lists domains\nproves: nothing by itself\nsites:\n  office:\n"
         "    subnet: [10.9.0.0/24, \"2001:db8:9::/64\"]\n    egress:\n      - allow: {protocol: tcp, ports: 443, "
         "domains: [" +
         domains + "]}\nclients:\n  alice: {site: office}\n";
}

// Nobody listens at the relay: a refused connection has got through, a silent one has not. Prints what became of a
// connection over each family before any question, after a question for a name elsewhere, and after one for its own.
constexpr const char* kReach = R"py(
import socket
def reach(address):
    asking = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    asking.settimeout(0.5)
    try:
        asking.connect((address, 443))
    except ConnectionRefusedError:
        return "through"
    except TimeoutError:
        return "silence"
for name in (None, "www.crype.test", "turn.crype.test"):
    if name: socket.getaddrinfo(name, 443)
    print(reach("203.0.113.20"), reach("2001:db8:113::20"))
)py";

std::string reached(const std::string& domains, bool as_user) {
  const ScenarioFile scenario(listing(domains));
  std::vector<std::string> arguments{CRYPELAB_BIN "/crypelab", "exec", scenario.path(), "--",
                                     "/usr/bin/python3",       "-c",   kReach};
  if (as_user) {
    const std::vector<std::string> nobody{"/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"};
    arguments.insert(arguments.begin(), nobody.begin(), nobody.end());
  }
  const auto finished = run(arguments.front(), {arguments.begin() + 1, arguments.end()});
  EXPECT_EQ(finished.status, 0) << finished.err;
  return finished.out;
}

// As who the tests run, and as an ordinary user: the resolver fills the sets with no more than CAP_NET_ADMIN.
std::vector<bool> callers() { return geteuid() == 0 ? std::vector{false, true} : std::vector{false}; }

constexpr const char* kAfterItsName = "silence silence\nsilence silence\nthrough through\n";

TEST(Domains, an_address_passes_once_the_resolver_has_answered_its_name) {
  for (const bool as_user : callers()) EXPECT_EQ(reached("turn.crype.test", as_user), kAfterItsName) << as_user;
}

TEST(Domains, a_wildcard_covers_every_name_below) {
  for (const bool as_user : callers()) EXPECT_EQ(reached("\"*.crype.test\"", as_user), kAfterItsName) << as_user;
}

TEST(Domains, a_name_that_is_not_listed_opens_nothing) {
  EXPECT_EQ(reached("signal.crype.test", false), "silence silence\nsilence silence\nsilence silence\n");
}

}  // namespace
}  // namespace crypelab::test::domains_test
