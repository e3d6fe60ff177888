#include "lab_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

// Boxes at the edge that take TLS connections: asked by curl, Python's ssl and raw bytes.
namespace crypelab::test::tls_boxes_test {
namespace {

blueprint::Blueprint plan(const std::string& site) {
  auto plan = plan_of(fmt::format(R"(
scenario: test/tls-boxes
title: An office whose edge takes TLS
sites:
  office:
    subnet: 10.20.0.0/24
    nat: {{}}
    {}
  home: {{nat: {{}}}}
clients:
  alice: {{site: office}}
  bob: {{site: home}}
)",
                                  site));
  add_test_server(plan);
  return plan;
}

LabRun run(const std::string& site, const std::string& script) { return run_in_lab(plan(site), "alice", script); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Who signed what the client sees, and whether curl takes it.
std::string issuer(const std::string& url = "https://www.crype.test:4434/") {
  return "curl -sS -m 10 -v -o /tmp/body -w '%{http_code}\\n' " + url + " 2>/tmp/log; grep -o 'issuer: .*' /tmp/log\n";
}

constexpr const char* kCorporate = "issuer: CN=crypelab corporate inspection authority";
constexpr const char* kReal = "issuer: CN=crypelab lab authority";

// A Binding request (RFC 8489 section 5) inside TLS: what comes back of it.
std::string binding(const std::string& host, int port) {
  return fmt::format(R"(python3 - <<'END'
import socket, ssl
try:
    raw = socket.create_connection(('{0}', {1}), 5)
    s = ssl.create_default_context().wrap_socket(raw, server_hostname='{0}')
    s.sendall(b'\x00\x01\x00\x00\x21\x12\xa4\x42' + b'twelve-bytes')
    answer = s.recv(100)
    print('answer ' + answer[:2].hex() if answer else 'cut off')
except ssl.SSLCertVerificationError:
    print('untrusted')
except OSError as error:
    print('cut off')
END
)",
                     host, port);
}

// Sends bytes as they are, and says what came back of them.
std::string raw(const std::string& bytes, int port) {
  return fmt::format(R"(python3 - <<'END'
import socket
s = socket.create_connection(('www.crype.test', {1}), 5)
s.settimeout(3)
s.sendall({0})
try:
    print('got', len(s.recv(1000)))
except ConnectionResetError:
    print('reset')
except TimeoutError:
    print('silence')
END
)",
                     bytes, port);
}

constexpr const char* kForged = R"(b'\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03' + b'x' * 80)";

TEST(TlsInspection, what_hosts_see_is_signed_by_the_company_and_anything_may_be_inside) {
  const auto out = run("tls-inspection: {ports: [443, 4434]}",
                       issuer() + binding("turns.crype.test", 443) + issuer("http://www.crype.test:8081/"));
  EXPECT_TRUE(has(out.out, std::string("200\n") + kCorporate + "\nanswer 0101\n200\n")) << out.out;
  const auto taken = out.lines("gate", "intercepted");
  ASSERT_EQ(taken.size(), 2u) << out.events;
  EXPECT_TRUE(has(taken[0], R"("where":"office.tls-inspection")")) << taken[0];
  EXPECT_TRUE(
      has(taken[0], R"("server":"203.0.113.80:4434","sni":"www.crype.test","alpn":"h2,http/1.1","verdict":"opened")"))
      << taken[0];
  EXPECT_TRUE(has(taken[0], R"("issuer":"crypelab lab authority")")) << taken[0];
  const auto inside = out.lines("gate", "inside");
  ASSERT_EQ(inside.size(), 2u) << out.events;
  EXPECT_TRUE(has(inside[0], R"("what":"http","passed":true)")) << inside[0];
  EXPECT_TRUE(has(inside[1], R"("sni":"turns.crype.test","what":"stun","passed":true)")) << inside[1];
}

TEST(TlsInspection, by_ipv6_too) {
  auto both = plan_of(R"(
scenario: test/tls-boxes-6
title: An office whose edge takes TLS
sites: {office: {subnet: [10.20.0.0/24, "2001:db8:20::/64"], tls-inspection: {ports: 4434}}}
clients: {alice: {site: office}}
)");
  add_test_server(both);
  const auto out = run_in_lab(both, "alice", issuer("-6 https://www.crype.test:4434/"));
  EXPECT_EQ(out.out, std::string("200\n") + kCorporate + "\n");
  EXPECT_TRUE(has(out.events, R"("server":"[2001:db8:113::80]:4434")")) << out.events;
}

TEST(TlsInspection, an_authority_that_nobody_knows_is_refused_before_anything_is_said) {
  const auto out =
      run("tls-inspection: {ports: [443, 4434], authority: untrusted}", issuer() + binding("turns.crype.test", 443));
  EXPECT_TRUE(has(out.out, "000\n")) << out.out;
  EXPECT_TRUE(has(out.out, "untrusted\n")) << out.out;
  EXPECT_EQ(out.lines("gate", "client-refused").size(), 2u) << out.events;
  EXPECT_TRUE(out.lines("gate", "inside").empty()) << out.events;
}

TEST(TlsInspection, what_is_exempt_passes_as_it_is) {
  const auto out =
      run("tls-inspection: {ports: [443, 4434], exempt: turns.crype.test, inside: http, authority: untrusted}",
          binding("turns.crype.test", 443) +
              issuer("https://turns.crype.test:4434/ --resolve turns.crype.test:4434:203.0.113.80") + issuer());
  EXPECT_TRUE(has(out.out, std::string("answer 0101\n200\n") + kReal + "\n000\n")) << out.out;
  EXPECT_TRUE(has(out.events, R"("sni":"turns.crype.test","alpn":"h2,http/1.1","verdict":"exempt")")) << out.events;
}

TEST(TlsInspection, where_only_http_may_be_inside_nothing_else_passes) {
  const auto out =
      run("tls-inspection: {ports: [443, 4434], inside: http}", issuer() + binding("turns.crype.test", 443));
  EXPECT_TRUE(has(out.out, std::string("200\n") + kCorporate + "\ncut off\n")) << out.out;
  EXPECT_TRUE(has(out.events, R"("what":"http","passed":true)")) << out.events;
  EXPECT_TRUE(has(out.events, R"("what":"stun","passed":false)")) << out.events;
}

// Who finishes TLS and says nothing holds two connections: not for ever.
TEST(TlsInspection, where_http_must_be_inside_who_says_nothing_is_cut_off) {
  auto office = plan("tls-inspection: {ports: 4434, inside: http}");
  for (auto& process : office.processes) {
    for (auto& file : process.files) {
      if (file.name == "intercept.json") file.content.replace(0, 1, R"({"patience_ms":700,)");
    }
  }
  const auto out = run_in_lab(office, "alice", R"(python3 - <<'END'
import socket, ssl
raw = socket.create_connection(('www.crype.test', 4434), 5)
s = ssl.create_default_context().wrap_socket(raw, server_hostname='www.crype.test')
s.settimeout(10)
try:
    print('answer' if s.recv(1) else 'cut off')
except TimeoutError:
    print('held')
except OSError:
    print('cut off')
END
)");
  EXPECT_EQ(out.out, "cut off\n") << out.events;
  EXPECT_EQ(out.lines("gate", "closed").size(), 1u) << out.events;
}

TEST(TlsInspection, servers_of_private_authorities_are_refused_or_look_like_all_others) {
  const auto with = [](const std::string& word) {
    auto office = plan("tls-inspection: {ports: 4434, private-authorities: " + word + "}");
    office.processes.back().certificates.at(0).issuer = services::Issuer::stranger;
    return run_in_lab(office, "alice", issuer());
  };
  const auto refused = with("refused");
  EXPECT_TRUE(has(refused.out, "000\n")) << refused.out;
  EXPECT_FALSE(has(refused.out, "issuer")) << refused.out;
  EXPECT_TRUE(has(refused.events, R"("verdict":"refused","reason":"the server's certificate: )")) << refused.events;
  EXPECT_EQ(with("accepted").out, std::string("200\n") + kCorporate + "\n");
}

TEST(TlsInspection, what_is_no_tls_is_reset) {
  const auto out = run("tls-inspection: {ports: [8080, 8081]}", raw("b'hello'", 8080) + raw(kForged, 8080));
  EXPECT_EQ(out.out, "reset\nreset\n");
  EXPECT_EQ(out.lines("gate", "intercepted").size(), 2u) << out.events;
  EXPECT_TRUE(has(out.events, R"("verdict":"refused","reason":)")) << out.events;
}

TEST(TlsRelay, tls_passes_through_two_connections_and_plain_bytes_do_not) {
  const auto out = run("egress: [{drop: {}}]\n    tls-relay: {ports: [8080, 4434]}",
                       issuer() + raw("b'hello'", 8080) + "curl -s -m 1 http://www.crype.test:8081/ || echo dropped\n");
  EXPECT_EQ(out.out, std::string("200\n") + kReal + "\ngot 0\ndropped\n");
  const auto relayed = out.lines("gate", "relayed");
  ASSERT_EQ(relayed.size(), 1u) << out.events;
  EXPECT_TRUE(has(relayed[0], R"("where":"office.tls-relay")") && has(relayed[0], R"("sni":"www.crype.test")"))
      << relayed[0];
  EXPECT_TRUE(has(relayed[0], R"("server":"203.0.113.80:4434")")) << relayed[0];
  EXPECT_EQ(out.lines("gate", "decision").size(), 1u) << out.events;
}

TEST(TlsRelay, of_a_list_only_its_names_pass) {
  const auto out =
      run("tls-relay: {ports: [8080, 4434], sni: [www.crype.test]}",
          issuer() + issuer("https://turns.crype.test:4434/ --resolve turns.crype.test:4434:203.0.113.80"));
  EXPECT_EQ(out.out, std::string("200\n") + kReal + "\n000\n");
}

// The two kinds side by side: who looks at the header of a message alone lets a forged one through, and what follows
// it.
TEST(TlsRelay, a_forged_hello_leaks_through_it_and_not_through_the_gate) {
  const auto relay = run("tls-relay: {ports: 8080}", raw(kForged, 8080));
  EXPECT_EQ(relay.out, "got 91\n") << relay.events;
  const auto listed = run("tls-relay: {ports: 8080, sni: www.crype.test}", raw(kForged, 8080));
  EXPECT_EQ(listed.out, "got 0\n") << listed.events;
  const auto gate = run("egress: [{tls-only: {ports: 8080}, otherwise: reset}]", raw(kForged, 8080));
  EXPECT_EQ(gate.out, "reset\n") << gate.events;
}

}  // namespace
}  // namespace crypelab::test::tls_boxes_test
