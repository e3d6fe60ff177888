#include "lab_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

// A hotel whose guests are led to a captive portal: asked by curl.
namespace crypelab::test::portal_test {
namespace {

LabRun run(const std::string& portal, const std::string& script) {
  auto plan = plan_of(fmt::format(R"(
scenario: test/portal
title: A hotel with a portal
sites:
  hotel:
    subnet: 10.20.0.0/24
    nat: {{}}
    portal: {}
  home: {{nat: {{}}}}
clients:
  alice: {{site: hotel}}
  bob: {{site: home}}
)",
                                  portal));
  add_test_server(plan);
  return run_in_lab(plan, "alice", script);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The status of a GET, where it is redirected to, and curl's own status.
std::string get(const std::string& url, int seconds = 5) {
  return fmt::format("curl -s -m {} -o /tmp/body -w '%{{http_code}} %{{redirect_url}} ' {}; echo $?\n", seconds, url);
}

// Asks until it is answered by the server itself.
constexpr const char* kUntilReleased = R"(
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  curl -s -m 1 -o /dev/null http://www.crype.test:8081/ && break
done
)";

TEST(Portal, who_is_not_released_is_led_there_and_gets_nowhere_else) {
  const auto out =
      run("{}", get("http://www.crype.test/") + "curl -s -m 5 http://portal.hotel.test/ | grep -c 'sign in'\n" +
                    get("https://www.crype.test/") +
                    "curl -skv -m 5 https://www.crype.test/ 2>&1 | grep -o 'issuer: .*'\n" +
                    get("http://www.crype.test:8081/", 1));
  EXPECT_TRUE(has(out.out, "302 http://portal.hotel.test/ 0\n1\n")) << out.out;
  EXPECT_TRUE(has(out.out, "000  60\n")) << out.out;  // a certificate that is not trusted
  EXPECT_TRUE(has(out.out, "issuer: CN=an authority that nobody knows\n")) << out.out;
  EXPECT_TRUE(has(out.out, "000  28\n")) << out.out;  // silence
  const auto requests = out.lines("web", "request");
  ASSERT_FALSE(requests.empty()) << out.events;
  EXPECT_TRUE(has(requests[0], R"("where":"hotel.portal")") && has(requests[0], R"("host":"www.crype.test")"))
      << requests[0];
}

TEST(Portal, tls_may_be_reset_instead) {
  const auto out = run("{tls: reset}", get("http://www.crype.test/") + get("https://www.crype.test/", 2));
  EXPECT_TRUE(has(out.out, "302 http://portal.hotel.test/ 0\n000  7\n")) << out.out;
}

TEST(Portal, a_login_releases_the_host) {
  const auto out = run("{}", get("http://www.crype.test:8081/", 1) + get("-d room=1 http://portal.hotel.test/login") +
                                 get("http://www.crype.test:8081/"));
  EXPECT_EQ(out.out, "000  28\n200  0\n200  0\n");
  const auto released = out.lines("web", "released");
  ASSERT_EQ(released.size(), 1u) << out.events;
  EXPECT_TRUE(has(released[0], R"("by":"login","succeeded":true)")) << released[0];
}

TEST(Portal, everybody_is_released_at_a_time) {
  const auto out = run("{release: 3s}", get("http://www.crype.test:8081/", 1) + kUntilReleased +
                                            get("http://www.crype.test:8081/") + get("https://www.crype.test:4434/"));
  EXPECT_EQ(out.out, "000  28\n200  0\n200  0\n");
  const auto released = out.lines("web", "released");
  ASSERT_EQ(released.size(), 1u) << out.events;
  EXPECT_TRUE(has(released[0], R"("by":"time","succeeded":true)")) << released[0];
}

// A connection that stands is cut off, too.
TEST(Portal, at_its_close_nobody_goes_on) {
  const auto out = run("{release: 1ms, close: 4s}", std::string(kUntilReleased) + R"(python3 - <<'END'
import socket
s = socket.create_connection(('www.crype.test', 8080), 5)
s.settimeout(1)
echoes = 0
try:
    while True:
        s.sendall(b'x')
        assert s.recv(1) == b'x'
        echoes += 1
except TimeoutError:
    print('cut off' if echoes else 'never')
END
)" + get("http://www.crype.test/"));
  EXPECT_EQ(out.out, "cut off\n302 http://portal.hotel.test/ 0\n");
  EXPECT_EQ(out.lines("web", "closed").size(), 1u) << out.events;
}

TEST(Portal, names_lead_to_it_where_dns_is_hijacked) {
  const std::string ask = "getent ahostsv4 www.crype.test | head -n 1 | cut -d ' ' -f 1\n";
  const auto hijacked = run("{dns: hijacked}", ask + get("-d room=1 http://portal.hotel.test/login") + ask);
  EXPECT_EQ(hijacked.out, "10.20.0.1\n200  0\n203.0.113.80\n");
  EXPECT_EQ(run("{}", ask).out, "203.0.113.80\n");
}

}  // namespace
}  // namespace crypelab::test::portal_test
