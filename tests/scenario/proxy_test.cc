#include "command.h"
#include "lab_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

// Sites whose only way out is a proxy: Squid, asked by curl.
namespace crypelab::test::proxy_test {
namespace {

// alice sits in an office that lets nothing out by itself and knows no public name; its proxy is `proxy`.
std::string office(const std::string& proxy) {
  return fmt::format(R"(
scenario: test/proxy
title: An office behind a proxy
sites:
  office:
    subnet: 10.20.0.0/24
    egress: [{{reject: {{}}}}]
    dns: internal-only
    {}
  home: {{nat: {{}}}}
clients:
  alice: {{site: office}}
  bob: {{site: home}}
)",
                     proxy);
}

LabRun run(const std::string& proxy, const std::string& script) {
  auto plan = plan_of(office(proxy));
  add_test_server(plan);
  return run_in_lab(plan, "alice", script);
}

bool has(const std::string& line, const std::string& part) { return line.find(part) != std::string::npos; }

// GETs through a tunnel (curl -p), and the status of the CONNECT.
std::string tunnel(const std::string& arguments) {
  return "curl -sS -m 20 -p -o /tmp/body -w '%{http_connect} %{http_code}\\n' " + arguments + "\n";
}

constexpr const char* kProxy = "-x http://proxy.office.test:3128 ";
constexpr const char* kTarget = "http://www.crype.test:8081/ ";

TEST(Proxy, without_it_nothing_gets_out_and_through_it_a_tunnel_does) {
  const auto out = run("proxy: {}", "curl -sS -m 5 http://203.0.113.80:8081/ || echo refused\n" +
                                        tunnel(std::string(kProxy) + kTarget) + "grep -c ^GET /tmp/body\n");
  EXPECT_TRUE(has(out.out, "refused\n200 200\n1\n")) << out.out;
  const auto requests = out.lines("proxy", "request");
  ASSERT_EQ(requests.size(), 1u) << out.events;
  EXPECT_TRUE(has(requests[0], R"("method":"CONNECT","target":"www.crype.test:8081","agent":"curl/)")) << requests[0];
  EXPECT_TRUE(has(requests[0], R"("where":"office.proxy")")) << requests[0];
  EXPECT_EQ(out.lines("proxy", "admitted").size(), 1u) << out.events;
  const auto closed = out.lines("proxy", "tunnel-closed");
  ASSERT_EQ(closed.size(), 1u) << out.events;
  EXPECT_TRUE(
      has(closed[0], R"("status":200,"outcome":"TCP_TUNNEL","hierarchy":"HIER_DIRECT","upstream":"203.0.113.80:8081")"))
      << closed[0];
}

TEST(Proxy, connect_goes_to_the_listed_ports_alone) {
  const auto out =
      run("proxy: {connect-ports: [4433, 8000-8081]}",
          tunnel(std::string(kProxy) + kTarget) + tunnel(std::string(kProxy) + "-k https://www.crype.test:4434/"));
  EXPECT_TRUE(has(out.out, "200 200\n")) << out.out;
  EXPECT_TRUE(has(out.out, "403 000\n")) << out.out;
  const auto answered = out.lines("proxy", "answered");
  ASSERT_EQ(answered.size(), 1u) << out.events;
  EXPECT_TRUE(has(answered[0], R"("target":"www.crype.test:4434","status":403,"outcome":"TCP_DENIED")")) << answered[0];
}

TEST(Proxy, basic_lets_in_the_right_password_alone) {
  const std::string proxy = "proxy: {auth: basic, users: {alice: wonderland, bob: \"builder 1\"}}";
  const auto out = run(proxy, tunnel(std::string(kProxy) + "-U alice:wonderland " + kTarget) +
                                  tunnel(std::string(kProxy) + "-U 'bob:builder 1' " + kTarget) +
                                  tunnel(std::string(kProxy) + "-U alice:wonderlane " + kTarget) +
                                  tunnel(std::string(kProxy) + kTarget));
  EXPECT_TRUE(out.out.starts_with("200 200\n200 200\n")) << out.out;
  EXPECT_TRUE(has(out.out, "407 000\n")) << out.out;
  const auto admitted = out.lines("proxy", "admitted");
  ASSERT_EQ(admitted.size(), 2u) << out.events;
  EXPECT_TRUE(has(admitted[0], R"("user":"alice")")) << admitted[0];
  EXPECT_TRUE(has(admitted[1], R"("user":"bob")")) << admitted[1];
  const auto answered = out.lines("proxy", "answered");
  ASSERT_EQ(answered.size(), 2u) << out.events;
  EXPECT_TRUE(has(answered[0], R"("status":407)") && has(answered[0], R"("scheme":"basic","offered":"Basic")"))
      << answered[0];
  EXPECT_TRUE(has(answered[1], R"("status":407)") && !has(answered[1], "scheme")) << answered[1];
}

constexpr const char* kBasic = "proxy: {auth: basic, users: {alice: wonderland}, connect-ports: [443]}";

// openssl's own client through the proxy: to which host, with which password, and for which name it checks the
// certificate.
std::string s_client(const std::string& host, const std::string& password, const std::string& name) {
  return fmt::format(
      "echo '= {0}'; timeout 20 openssl s_client -proxy proxy.office.test:3128 -proxy_user alice -proxy_pass pass:{1} "
      "-connect {0}:443 -servername {0} -verify_hostname {2} </dev/null 2>&1 | grep -E '^Verif|407|CONNECT fail'\n",
      host, password, name);
}

TEST(Proxy, openssl_reaches_the_turn_servers_over_tls_and_verifies_them) {
  const auto out = run(kBasic, s_client("turns.crype.test", "wonderland", "turns.crype.test") +
                                   s_client("turns-b.crype.test", "wonderland", "turns-b.crype.test") +
                                   s_client("turns.crype.test", "wonderland", "signal.crype.test") +
                                   s_client("turns.crype.test", "wonderlane", "turns.crype.test"));
  EXPECT_TRUE(has(out.out, "= turns.crype.test\nVerification: OK\nVerified peername: turns.crype.test\n")) << out.out;
  EXPECT_TRUE(has(out.out, "= turns-b.crype.test\nVerification: OK\nVerified peername: turns-b.crype.test\n"))
      << out.out;
  EXPECT_TRUE(has(out.out, "= turns.crype.test\nVerification error: hostname mismatch\n")) << out.out;
  ASSERT_TRUE(has(out.out, "= ")) << out.out;
  const auto refused = out.out.substr(out.out.rfind("= "));
  EXPECT_TRUE(has(refused, "407") && !has(refused, "Verified peername")) << out.out;
  const auto admitted = out.lines("proxy", "admitted");
  ASSERT_EQ(admitted.size(), 3u) << out.events;
  EXPECT_TRUE(has(admitted[0], R"("target":"turns.crype.test:443")")) << admitted[0];
  EXPECT_TRUE(has(admitted[1], R"("target":"turns-b.crype.test:443")")) << admitted[1];
}

}  // namespace
}  // namespace crypelab::test::proxy_test
