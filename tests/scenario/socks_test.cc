#include "lab_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

// Sites whose only way out is a SOCKS5 server: Dante, asked by curl.
namespace crypelab::test::socks_test {
namespace {

LabRun run(const std::string& socks, const std::string& script) {
  auto plan = plan_of(fmt::format(R"(
scenario: test/socks
title: An office behind SOCKS
sites:
  office:
    subnet: [10.20.0.0/24, "2001:db8:20::/64"]
    egress: [{{reject: {{}}}}]
    dns: internal-only
    socks: {}
  home: {{nat: {{}}}}
clients:
  alice: {{site: office}}
  bob: {{site: home}}
)",
                                  socks));
  add_test_server(plan);
  return run_in_lab(plan, "alice", script);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The status of a GET by way of socks.office.test, whose name the server resolves; curl's own status.
std::string get(const std::string& user, const std::string& port = "8081") {
  return fmt::format(
      "curl -sS -m 8 -o /dev/null -w '%{{http_code}} ' --socks5-hostname {}socks.office.test:1080 "
      "http://www.crype.test:{}/; echo $?\n",
      user, port);
}

TEST(Socks, without_it_nothing_gets_out_and_through_it_a_connection_does) {
  const auto out = run("{}", "curl -sS -m 5 http://203.0.113.80:8081/ || echo refused\n" + get(""));
  EXPECT_TRUE(has(out.out, "refused\n200 0\n")) << out.out;
  const auto opened = out.lines("proxy", "tunnel-opened");
  ASSERT_EQ(opened.size(), 1u) << out.events;
  EXPECT_TRUE(has(opened[0], R"("where":"office.socks")")) << opened[0];
  EXPECT_TRUE(has(opened[0], ":8081\"")) << opened[0];
  const auto closed = out.lines("proxy", "tunnel-closed");
  ASSERT_EQ(closed.size(), 1u) << out.events;
  EXPECT_TRUE(has(closed[0], R"("client":")") && has(closed[0], R"("sent":)")) << closed[0];
  EXPECT_TRUE(out.lines("proxy", "refused").empty()) << out.events;
}

TEST(Socks, the_right_password_lets_in_and_it_alone) {
  const auto out = run("{users: {alice: wonderland, bob: builder}}",
                       get("alice:wonderland@") + get("bob:builder@") + get("alice:wonderlane@") + get(""));
  EXPECT_TRUE(has(out.out, "200 0\n200 0\n")) << out.out;
  EXPECT_EQ(std::count(out.out.begin(), out.out.end(), '\n'), 6) << out.out;
  EXPECT_TRUE(has(out.out, "000 97\n")) << out.out;
  const auto opened = out.lines("proxy", "tunnel-opened");
  ASSERT_EQ(opened.size(), 2u) << out.events;
  EXPECT_TRUE(has(opened[0], R"("user":"alice")")) << opened[0];
  EXPECT_TRUE(has(opened[1], R"("user":"bob")")) << opened[1];
  const auto refused = out.lines("proxy", "refused");
  ASSERT_EQ(refused.size(), 2u) << out.events;
  EXPECT_TRUE(has(refused[0], "authentication failed")) << refused[0];
  EXPECT_TRUE(has(refused[1], "no acceptable authentication method")) << refused[1];
  EXPECT_FALSE(has(out.events, "wonderlan")) << out.events;
}

TEST(Socks, connections_go_to_the_listed_ports_alone) {
  const auto out = run("{connect-ports: [443, 8000-8081]}", get("") + get("", "4434"));
  EXPECT_TRUE(has(out.out, "200 0\n")) << out.out;
  EXPECT_TRUE(has(out.out, "000 97\n")) << out.out;
  EXPECT_EQ(out.lines("proxy", "refused").size(), 1u) << out.events;
}

// RFC 1928 section 4: command 3; the answer's second octet is 2, "connection not allowed by ruleset".
TEST(Socks, udp_is_refused) {
  const auto out = run("{}", R"(python3 - <<'END'
import socket
def ask(command):
    s = socket.create_connection(('socks.office.test', 1080), 5)
    s.sendall(b'\5\1\0')
    assert s.recv(2) == b'\5\0'
    s.sendall(b'\5' + bytes([command]) + b'\0\1' + socket.inet_aton('203.0.113.80') + (8081).to_bytes(2, 'big'))
    return s.recv(10)[1]
print('connect', ask(1), 'bind', ask(2), 'udp', ask(3))
END
)");
  EXPECT_EQ(out.out, "connect 0 bind 2 udp 2\n");
}

}  // namespace
}  // namespace crypelab::test::socks_test
