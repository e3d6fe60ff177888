#include "lab_run.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

// Sites whose hosts are told by a file which proxies to use: fetched by curl, asked by pactester.
namespace crypelab::test::pac_test {
namespace {

// What alice's `script` prints in an office with that PAC file; bob sits elsewhere.
LabRun run(const std::string& site, const std::string& script, const std::string& host = "alice") {
  auto plan = plan_of(fmt::format(R"(
scenario: test/pac
title: An office with a PAC file
sites:
  office:
    subnet: 10.20.0.0/24
    egress: [{{reject: {{}}}}]
    {}
  home: {{nat: {{}}}}
clients:
  alice: {{site: office}}
  bob: {{site: home}}
)",
                                  site));
  add_test_server(plan);
  return run_in_lab(plan, host, script);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Fetches the PAC file and asks it about an address; curl then goes by the proxies of the answer until one works.
constexpr const char* kByPac = R"(
curl -sS -m 15 -o /tmp/proxy.pac http://pac.office.test/proxy.pac || exit
for answer in $(pactester -p /tmp/proxy.pac -u http://www.crype.test:8081/ | tr -d ' ' | tr ';' ' '); do
  case $answer in
    PROXY*) way="-x http://${answer#PROXY}" ;;
    DIRECT) way= ;;
  esac
  status=$(curl -s -m 2 -p $way -o /tmp/body -w '%{http_code}' http://www.crype.test:8081/)
  echo "$answer $status"
  [ "$status" = 200 ] && break
done
)";

TEST(Pac, the_file_arrives_byte_for_byte) {
  // What the lab replaces in its own files is a customer's own text here.
  const auto out =
      run(R"(pac: {script: "/* {dir} {bin} {secret:x} */\nfunction FindProxyForURL(u, h) { return \"DIRECT\"; }"})",
          "curl -sS -m 5 -D /tmp/head http://pac.office.test/proxy.pac; grep -i content-type /tmp/head\n"
          "curl -sS -m 5 -o /dev/null -w '%{http_code}\\n' http://pac.office.test/wpad.dat\n");
  EXPECT_TRUE(has(out.out, "/* {dir} {bin} {secret:x} */\nfunction FindProxyForURL(u, h) { return \"DIRECT\"; }"))
      << out.out;
  EXPECT_TRUE(has(out.out, "Content-Type: application/x-ns-proxy-autoconfig")) << out.out;
  EXPECT_TRUE(has(out.out, "\n404\n")) << out.out;
  const auto requests = out.lines("web", "request");
  ASSERT_EQ(requests.size(), 2u) << out.events;
  EXPECT_TRUE(has(requests[0], R"("where":"office.pac")")) << requests[0];
  EXPECT_TRUE(has(requests[0], R"("method":"GET","path":"/proxy.pac","host":"pac.office.test","agent":"curl/)"))
      << requests[0];
}

TEST(Pac, of_a_list_the_first_live_proxy_is_used) {
  const auto office = [](const std::string& dead) {
    return fmt::format(R"(proxies: {{dead: {}, live: {{}}}}
    pac: {{script: "function FindProxyForURL(u, h) {{ return 'PROXY dead.office.test:3128; PROXY live.office.test:3128; DIRECT'; }}"}})",
                       dead);
  };
  const auto dead = run(office("{faults: {down-from: 1ms}}"), kByPac);
  EXPECT_TRUE(has(dead.out, "PROXYdead.office.test:3128 000\nPROXYlive.office.test:3128 200\n")) << dead.out;
  EXPECT_FALSE(has(dead.events, "casualty")) << dead.events;
  const auto silent = run(office("{faults: {answer: nothing}}"), kByPac);
  EXPECT_TRUE(has(silent.out, "PROXYdead.office.test:3128 000\nPROXYlive.office.test:3128 200\n")) << silent.out;
  const auto live = run(office("{}"), kByPac);
  EXPECT_EQ(live.out, "PROXYdead.office.test:3128 200\n");
}

TEST(Pac, a_proxy_is_known_by_the_names_of_the_customers_file) {
  const std::string pac =
      R"(pac: {script: "function FindProxyForURL(u, h) { return 'PROXY proxy.corp.example:8080'; }"})";
  const auto known = run("proxy: {port: 8080, names: proxy.corp.example}\n    " + pac, kByPac);
  EXPECT_EQ(known.out, "PROXYproxy.corp.example:8080 200\n");
  const auto unknown = run("proxy: {port: 8080}\n    " + pac, kByPac);
  EXPECT_EQ(unknown.out, "PROXYproxy.corp.example:8080 000\n");
}

constexpr const char* kFile = R"(script: "function FindProxyForURL(u, h) { return 'DIRECT'; }")";

TEST(Pac, wpad_is_found_by_name_in_the_site_and_nowhere_else) {
  const auto site = fmt::format("pac: {{wpad: true, {}}}", kFile);
  const std::string find = "getent ahostsv4 wpad | head -n 1; curl -sS -m 5 http://wpad/wpad.dat; echo\n";
  const auto inside = run(site, find);
  EXPECT_TRUE(has(inside.out, "wpad.office.test")) << inside.out;
  EXPECT_TRUE(has(inside.out, "function FindProxyForURL")) << inside.out;
  const auto questions = inside.lines("dns", "question");
  EXPECT_TRUE(std::ranges::any_of(questions, [](const auto& line) {
    return has(line, R"("where":"office.resolver")") && has(line, R"("client":"10.20.0.10:)") &&
           has(line, R"("name":"wpad.office.test","type":"A")");
  })) << inside.events;
  EXPECT_FALSE(has(inside.events, "ready.lab.test")) << inside.events;
  const auto outside = run(site, find + "curl -sS -m 5 http://wpad.office.test/wpad.dat\n", "bob");
  EXPECT_FALSE(has(outside.out, "FindProxyForURL")) << outside.out;
  EXPECT_TRUE(has(outside.out, "Could not resolve host: wpad.office.test")) << outside.out;
  const auto without = run(fmt::format("pac: {{{}}}", kFile), find);
  EXPECT_TRUE(has(without.out, "Could not resolve host: wpad")) << without.out;
}

TEST(Pac, the_file_may_come_late_never_or_from_nobody) {
  const std::string fetch =
      "curl -sS -m 4 -o /dev/null -w '%{http_code} %{time_starttransfer}\\n' http://pac.office.test/proxy.pac\n";
  const auto late = run(fmt::format("pac: {{delay: 2s, {}}}", kFile), fetch);
  EXPECT_TRUE(has(late.out, "200 2.")) << late.out;
  EXPECT_TRUE(late.lines("web", "answered").size() == 1 && has(late.lines("web", "answered")[0], "\"milliseconds\":20"))
      << late.events;
  const auto silent = run(fmt::format("pac: {{state: silent, {}}}", kFile), fetch);
  EXPECT_TRUE(has(silent.out, "Operation timed out")) << silent.out;
  EXPECT_EQ(silent.lines("web", "request").size(), 1u) << silent.events;
  const auto stopped = run(fmt::format("pac: {{state: stopped, {}}}", kFile), fetch);
  EXPECT_TRUE(has(stopped.out, "Couldn't connect to server")) << stopped.out;
}

TEST(Pac, edges_of_a_cloud_proxy_sign_in_by_kerberos_and_open_what_is_not_exempt) {
  auto plan = plan_of(R"(
scenario: test/cloud
title: A cloud proxy with two edges
sites:
  office:
    subnet: 10.20.0.0/24
    egress: [{reject: {}}]
    dns: internal-only
    proxies:
      edge-1: {port: 80, auth: negotiate, users: {alice: wonderland}, inspect: {}}
      edge-2: {port: 443, auth: negotiate, users: {alice: wonderland}, inspect: {exempt: www.crype.test}}
    pac: {script: "function FindProxyForURL(u, h) { return 'PROXY edge-1.office.test:80; PROXY edge-2.office.test:443'; }"}
clients:
  alice: {site: office, ticket: alice}
)");
  add_test_server(plan);
  const auto out = run_in_lab(plan, "alice", R"(
curl -sS -m 5 -o /tmp/proxy.pac http://pac.office.test/proxy.pac || exit
for proxy in $(pactester -p /tmp/proxy.pac -u https://www.crype.test/ | tr -d ' ' | tr ';' ' '); do
  curl -sS -v -m 10 -o /dev/null -w '%{http_connect} %{http_code}\n' --proxy-negotiate -U : -x "http://${proxy#PROXY}" \
      https://www.crype.test:4434/ 2>/tmp/log
  grep -o 'issuer: .*' /tmp/log
done
curl -sS -m 10 -o /dev/null -w '%{http_connect}\n' -x http://edge-1.office.test:80 https://www.crype.test:4434/
)");
  EXPECT_TRUE(has(out.out,
                  "200 200\nissuer: CN=crypelab corporate inspection authority\n"
                  "200 200\nissuer: CN=crypelab lab authority\n"))
      << out.out;
  EXPECT_TRUE(has(out.out, "407\n")) << out.out;
  EXPECT_TRUE(has(out.events, R"("scheme":"negotiate")")) << out.events;
}

TEST(Pac, an_agent_on_the_clients_own_host_forwards_to_the_sites_proxy) {
  const auto ask = [](const std::string& agent) {
    auto plan = plan_of(fmt::format(R"(
scenario: test/agent
title: An office with agents
sites: {{office: {{subnet: 10.20.0.0/24, egress: [{{reject: {{}}}}], dns: internal-only, proxy: {{}}}}}}
clients: {{alice: {{site: office{}}}, bob: {{site: office}}}}
)",
                                    agent));
    add_test_server(plan);
    return run_in_lab(plan, "alice",
                      "curl -sS -m 10 -p -o /dev/null -w '%{http_connect} %{http_code}\\n' -x http://127.0.0.1:9000 "
                      "http://www.crype.test:8081/; echo $?\n");
  };
  const auto out = ask(", agent: {via: proxy}");
  EXPECT_EQ(out.out, "200 200\n0\n");
  const auto closed = out.lines("proxy", "tunnel-closed");
  ASSERT_EQ(closed.size(), 2u) << out.events;
  EXPECT_TRUE(has(out.events, R"("where":"alice.agent","kind":"tunnel-closed")")) << out.events;
  EXPECT_TRUE(has(out.events, R"("where":"office.proxy","kind":"tunnel-closed")")) << out.events;
  const auto without = ask("");
  EXPECT_TRUE(has(without.out, "000 000\n7\n")) << without.out;
}

}  // namespace
}  // namespace crypelab::test::pac_test
