#include "lab_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

// Sites whose only way out is a proxy that does what Squid cannot be made to do.
namespace crypelab::test::fault_proxy_test {
namespace {

LabRun run(const std::string& proxy, const std::string& script) {
  auto plan = plan_of(fmt::format(R"(
scenario: test/fault-proxy
title: An office behind a proxy of its own kind
sites:
  office:
    subnet: 10.20.0.0/24
    egress: [{{reject: {{}}}}]
    dns: internal-only
    proxy: {}
  home: {{nat: {{}}}}
clients:
  alice: {{site: office}}
  bob: {{site: home}}
)",
                                  proxy));
  add_test_server(plan);
  return run_in_lab(plan, "alice", script);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// GETs through a tunnel; the status of the CONNECT, and that of the GET.
std::string tunnel(const std::string& arguments, const std::string& body = "/tmp/body") {
  return fmt::format(
      "curl -sSv -m 8 -p -o {} -w '%{{http_connect}} %{{http_code}}\\n' -x http://proxy.office.test:3128 {} "
      "http://www.crype.test:8081/\n",
      body, arguments);
}

// Opens a tunnel to the echo server, sends a byte, and says how the tunnel ends.
constexpr const char* kStay = R"(python3 - <<'END'
import socket, time
s = socket.create_connection(('proxy.office.test', 3128), 5)
s.sendall(b'CONNECT www.crype.test:8080 HTTP/1.1\r\nHost: www.crype.test\r\n\r\n')
head = b''
while not head.endswith(b'\r\n\r\n'): head += s.recv(1)
begin = time.monotonic()
s.settimeout(4)
s.sendall(b'x')
try:
  while True:
    got = s.recv(100)
    if not got:
      print('closed after', round(time.monotonic() - begin))
      break
    print('got', got.decode())
except ConnectionResetError: print('reset after', round(time.monotonic() - begin))
except TimeoutError: print('silent')
END
)";

TEST(FaultProxy, an_odd_success_with_fields_of_a_body_opens_the_tunnel) {
  const auto out = run("{faults: {tunnel-status: 299, content-length: 120B, transfer-encoding: chunked}}", tunnel(""));
  EXPECT_TRUE(has(out.out, "299 200\n")) << out.out;
  EXPECT_TRUE(has(out.out, "HTTP/1.1 299")) << out.out;
  EXPECT_TRUE(has(out.out, "Content-Length: 120")) << out.out;
  EXPECT_TRUE(has(out.out, "Transfer-Encoding: chunked")) << out.out;
  EXPECT_EQ(out.lines("proxy", "tunnel-opened").size(), 1u) << out.events;
}

TEST(FaultProxy, a_challenge_may_close_the_connection_behind_a_large_page) {
  const auto out = run("{auth: basic, users: {alice: wonderland}, faults: {refusal-closes: true, refusal-body: 8KiB}}",
                       tunnel("--proxy-anyauth -U alice:wonderland"));
  EXPECT_TRUE(has(out.out, "200 200\n")) << out.out;
  EXPECT_TRUE(has(out.out, "Content-Length: 8192")) << out.out;
  EXPECT_TRUE(has(out.out, "Connection: close")) << out.out;
  const auto answered = out.lines("proxy", "answered");
  ASSERT_EQ(answered.size(), 1u) << out.events;
  EXPECT_TRUE(has(answered[0], R"("status":407,"verdict":"absent")")) << answered[0];
  EXPECT_FALSE(has(out.events, "wonderland")) << out.events;
}

TEST(FaultProxy, schemes_are_offered_letter_for_letter) {
  const auto out = run(
      "{auth: basic, users: {alice: wonderland}, faults: {schemes: [Foo, NEGOTIATE, basic], challenge-fields: one}}",
      tunnel("") + tunnel("-U alice:wonderland"));
  EXPECT_TRUE(has(out.out, "Proxy-Authenticate: Foo, NEGOTIATE, basic realm=\"OFFICE.TEST\"")) << out.out;
  EXPECT_TRUE(has(out.out, "407 000\n")) << out.out;
  EXPECT_TRUE(has(out.out, "200 200\n")) << out.out;
}

TEST(FaultProxy, digest_is_verified_with_sha_256) {
  const auto out = run("{auth: digest, users: {alice: wonderland}, faults: {algorithms: SHA-256, domain: /elsewhere}}",
                       tunnel("--proxy-digest -U alice:wonderland") + tunnel("--proxy-digest -U alice:looking-glass"));
  EXPECT_TRUE(has(out.out, "200 200\n")) << out.out;
  EXPECT_TRUE(has(out.out, "407 000\n")) << out.out;
  EXPECT_TRUE(has(out.out, "domain=\"/elsewhere\"")) << out.out;
  const auto admitted = out.lines("proxy", "admitted");
  ASSERT_EQ(admitted.size(), 1u) << out.events;
  EXPECT_TRUE(has(admitted[0], R"("scheme":"digest","user":"alice","algorithm":"SHA-256","nc":1)")) << admitted[0];
  EXPECT_TRUE(has(out.events, R"("verdict":"wrong")")) << out.events;
}

TEST(FaultProxy, several_algorithms_stand_in_their_order_and_one_that_nobody_knows_first) {
  const auto out =
      run("{auth: digest, users: {alice: wonderland}, faults: {algorithms: [SHA-9, SHA-512-256, SHA-256, MD5]}}",
          tunnel(""));
  const auto first = out.out.find("algorithm=SHA-9");
  const auto second = out.out.find("algorithm=SHA-512-256");
  const auto last = out.out.find("algorithm=MD5");
  EXPECT_LT(first, second) << out.out;
  EXPECT_LT(second, last) << out.out;
  EXPECT_NE(last, std::string::npos) << out.out;
}

TEST(FaultProxy, a_redirect_or_a_page_may_stand_for_the_challenge) {
  const auto redirect = run("{faults: {sign-in: redirect-302, login: \"http://login.office.test/\"}}", tunnel(""));
  EXPECT_TRUE(has(redirect.out, "302 000\n")) << redirect.out;
  EXPECT_TRUE(has(redirect.out, "Location: http://login.office.test/")) << redirect.out;
  EXPECT_TRUE(redirect.lines("proxy", "tunnel-opened").empty()) << redirect.events;
  const auto page = run("{faults: {sign-in: page}}", tunnel(""));
  EXPECT_TRUE(has(page.out, "HTTP/1.1 200 ")) << page.out;
  EXPECT_TRUE(has(page.out, "Content-Type: text/html")) << page.out;
  EXPECT_TRUE(page.lines("proxy", "tunnel-opened").empty()) << page.events;
}

TEST(FaultProxy, a_connect_may_be_refused_or_left_without_an_answer) {
  const auto refused = run("{faults: {answer: 503}}", tunnel(""));
  EXPECT_TRUE(has(refused.out, "503 000\n")) << refused.out;
  const auto withheld = run("{faults: {answer: nothing}}", tunnel("-m 1"));
  EXPECT_TRUE(has(withheld.out, "000 000\n")) << withheld.out;
  EXPECT_EQ(withheld.lines("proxy", "withheld").size(), 1u) << withheld.events;
}

TEST(FaultProxy, a_proxy_may_be_down) {
  const auto down = run("{faults: {down-from: 1ms}}", tunnel(""));
  EXPECT_TRUE(has(down.out, "Connection refused")) << down.out;
  EXPECT_FALSE(has(down.events, "casualty")) << down.events;
}

TEST(FaultProxy, a_tunnel_is_cut_by_time_idleness_or_bytes) {
  const auto old = run("{faults: {cut-after: 1s, cut-by: reset}}", kStay);
  EXPECT_TRUE(has(old.out, "got x\nreset after 1")) << old.out;
  EXPECT_TRUE(has(old.events, R"("reason":"lifetime")")) << old.events;
  const auto idle = run("{faults: {cut-idle: 1s}}", kStay);
  EXPECT_TRUE(has(idle.out, "got x\nclosed after 1")) << idle.out;
  EXPECT_TRUE(has(idle.events, R"("reason":"idle")")) << idle.events;
  const auto full = run("{faults: {cut-bytes: 1B, cut-by: silence}}", kStay);
  EXPECT_EQ(full.out, "silent\n");
  EXPECT_EQ(run("{faults: {cut-bytes: 100B, cut-by: silence}}", kStay).out, "got x\nsilent\n");
}

TEST(FaultProxy, a_session_ends_and_its_tunnels_with_it) {
  std::string stay = kStay;
  const std::string host = "Host: www.crype.test\\r\\n";
  stay.replace(stay.find(host), host.size(), "Proxy-Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\\r\\n");
  const auto out = run("{auth: basic, users: {alice: wonderland}, faults: {session: 1s}}",
                       stay + tunnel("-U alice:wonderland") + tunnel("-U alice:wonderland"));
  EXPECT_TRUE(has(out.out, "closed after 1")) << out.out;
  EXPECT_TRUE(has(out.out, "407 000\n")) << out.out;
  EXPECT_TRUE(has(out.out, "200 200\n")) << out.out;
  EXPECT_TRUE(has(out.events, R"("reason":"credentials-expired")")) << out.events;
  EXPECT_TRUE(has(out.events, R"("verdict":"expired")")) << out.events;
}

// Sixty bytes to the echo server and back, ten times: in how many segments they came (tcpi_data_segs_in of TCP_INFO;
// what waits for the congestion window may leave together, so that not every byte is alone), and how long the quickest
// took.
constexpr const char* kPieces = R"(python3 - <<'END'
import socket, struct, time
s = socket.create_connection(('proxy.office.test', 3128), 5)
s.sendall(b'CONNECT www.crype.test:8080 HTTP/1.1\r\nHost: www.crype.test\r\n\r\n')
head = b''
while not head.endswith(b'\r\n\r\n'): head += s.recv(1)
def segments(): return struct.unpack_from('=I', s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)[0]
before = segments()
longest = 0
for word in range(10):
  begin = time.monotonic()
  s.sendall(b'%06d' % word * 10)
  got = b''
  while len(got) < 60: got += s.recv(60)
  assert got == b'%06d' % word * 10, got
  longest = max(longest, time.monotonic() - begin)
print('pieces' if segments() - before > 100 else 'whole', 'late' if longest >= 0.1 else 'soon')
END
)";

TEST(FaultProxy, bytes_may_come_one_by_one_and_late) {
  const auto out = run("{faults: {segment: 1, batch: 200ms}}", kPieces);
  EXPECT_EQ(out.out, "pieces late\n");
  const auto closed = out.lines("proxy", "tunnel-closed");
  ASSERT_EQ(closed.size(), 1u) << out.events;
  EXPECT_EQ(run("{faults: {tunnel-status: 200}}", kPieces).out, "whole soon\n");
}

}  // namespace
}  // namespace crypelab::test::fault_proxy_test
