#include "harness/base/error.h"
#include "lab_run.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

// What Squid can be told beyond CONNECT and Basic, each asked by curl (and openssl), right and wrong.
namespace crypelab::test::proxy_kinds_test {
namespace {

constexpr const char* kProxy = "-x http://proxy.office.test:3128 ";
constexpr const char* kTarget = "http://www.crype.test:8081/ ";
constexpr const char* kTlsTarget = "https://www.crype.test:4434/ ";

LabRun run(const std::string& site, const std::string& script, const std::string& client = "") {
  auto plan = plan_of(fmt::format(R"(
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
  alice: {{site: office{}}}
  bob: {{site: home}}
)",
                                  site, client));
  add_test_server(plan);
  return run_in_lab(plan, "alice", script);
}

bool has(const std::string& line, const std::string& part) { return line.find(part) != std::string::npos; }

// The status of a CONNECT, and of the GET through it: "200 200".
std::string tunnel(const std::string& arguments) {
  return "curl -sS -m 20 -p -o /tmp/body -w '%{http_connect} %{http_code}\\n' " + arguments + "\n";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  // What curl says of a failure stands between.
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("curl:"); });
  return lines;
}

using Lines = std::vector<std::string>;

struct Scheme {
  const char* word;
  const char* flag;
  const char* offered;
};
class ProxyScheme : public testing::TestWithParam<Scheme> {};

TEST_P(ProxyScheme, lets_in_the_right_password_alone) {
  const auto& scheme = GetParam();
  const std::string asks = std::string(kProxy) + scheme.flag;
  const auto out =
      run(fmt::format("proxy: {{auth: {}, users: {{alice: wonderland}}}}", scheme.word),
          tunnel(asks + " -U alice:wonderland " + kTarget) + tunnel(asks + " -U alice:wonderlane " + kTarget) +
              tunnel(asks + " -U bob:wonderland " + kTarget));
  EXPECT_EQ(lines_of(out.out), (Lines{"200 200", "407 000", "407 000"})) << out.out;
  const auto admitted = out.lines("proxy", "admitted");
  ASSERT_EQ(admitted.size(), 1u) << out.events;
  EXPECT_TRUE(has(admitted[0], R"("user":"alice")")) << admitted[0];
  const auto answered = out.lines("proxy", "answered");
  ASSERT_FALSE(answered.empty()) << out.events;
  for (const auto& line : answered) {
    EXPECT_TRUE(has(line, R"("status":407)") && has(line, fmt::format(R"("offered":"{}")", scheme.offered))) << line;
  }
  // Not the password, and nothing that is made of it.
  for (const auto* canary : {"wonderland", "d29uZGVybGFuZ", "[secret", "TlRMTVNTUA", "response="})
    EXPECT_FALSE(has(out.events, canary)) << canary;
}
INSTANTIATE_TEST_SUITE_P(All, ProxyScheme,
                         testing::Values(Scheme{"basic", "--proxy-basic", "Basic"},
                                         Scheme{"digest", "--proxy-digest", "Digest"},
                                         Scheme{"ntlm", "--proxy-ntlm", "NTLM"}),
                         [](const auto& scheme) { return std::string(scheme.param.word); });

TEST(ProxyKinds, schemes_are_offered_in_the_order_in_which_they_are_named) {
  const auto out =
      run("proxy: {auth: [ntlm, basic, digest], users: {alice: wonderland}}", tunnel(std::string(kProxy) + kTarget));
  const auto answered = out.lines("proxy", "answered");
  ASSERT_EQ(answered.size(), 1u) << out.events << out.out;
  EXPECT_TRUE(has(answered[0], R"("offered":"NTLM, Basic, Digest")")) << answered[0];
}

TEST(ProxyKinds, a_host_with_a_ticket_gets_in_by_negotiate_and_without_one_does_not) {
  const std::string proxy = "proxy: {auth: negotiate, users: {alice: wonderland}}";
  const std::string script = tunnel(std::string(kProxy) + "--proxy-negotiate -U : " + kTarget);
  const auto with = run(proxy, script, ", ticket: alice");
  EXPECT_EQ(lines_of(with.out), Lines{"200 200"}) << with.out;
  const auto admitted = with.lines("proxy", "admitted");
  ASSERT_EQ(admitted.size(), 1u) << with.events;
  EXPECT_TRUE(has(admitted[0], R"("user":"alice@OFFICE.TEST")")) << admitted[0];
  const auto without = run(proxy, script);
  EXPECT_EQ(lines_of(without.out), Lines{"407 000"}) << without.out;
  EXPECT_TRUE(without.lines("proxy", "admitted").empty()) << without.events;
}

// An answer to one and the same challenge, again and again until it is refused.
constexpr const char* kOneNonce = R"PY(python3 - <<'END'
import hashlib, re, socket, time
def ask(header):
    s = socket.create_connection(('proxy.office.test', 3128))
    s.sendall(b'CONNECT www.crype.test:8080 HTTP/1.1\r\nHost: www.crype.test:8080\r\n' + header + b'\r\n')
    data = b''
    while b'\r\n\r\n' not in data:
        data += s.recv(4096)
    return data.decode()
def h(text):
    return hashlib.md5(text.encode()).hexdigest()
realm, nonce = re.search(r'realm="(.*?)", nonce="(.*?)"', ask(b'')).groups()
def answer(count):
    nc = '%08x' % count
    ha1, ha2 = h('alice:' + realm + ':wonderland'), h('CONNECT:www.crype.test:8080')
    response = h(':'.join((ha1, nonce, nc, 'abcd', 'auth', ha2)))
    return ('Proxy-Authorization: Digest username="alice", realm="%s", nonce="%s", uri="www.crype.test:8080", qop=auth, '
            'nc=%s, cnonce="abcd", response="%s"\r\n' % (realm, nonce, nc, response)).encode()
print(ask(answer(1)).split()[1])
begin = time.monotonic()
count = 1
while time.monotonic() - begin < 10:
    time.sleep(0.5)
    count += 1
    reply = ask(answer(count))
    if reply.split()[1] == '407':
        break
print(reply.split()[1], 'stale=true' in reply.lower())
END
)PY";

TEST(ProxyKinds, a_nonce_of_digest_grows_stale) {
  const auto out = run("proxy: {auth: digest, users: {alice: wonderland}, nonce-life: 2s}", kOneNonce);
  EXPECT_EQ(lines_of(out.out), (Lines{"200", "407 True"})) << out.out;
  // Ten seconds of half a minute: the twin.
  const auto longer = run("proxy: {auth: digest, users: {alice: wonderland}, nonce-life: 30s}", kOneNonce);
  EXPECT_EQ(lines_of(longer.out), (Lines{"200", "200 False"})) << longer.out;
}

TEST(ProxyKinds, lists_of_targets_decide_by_domain_and_by_address) {
  const auto out =
      run("proxy: {allow: [\"*.crype.test\", 198.51.100.0/24], deny: [signal.crype.test, 203.0.113.22]}",
          tunnel(std::string(kProxy) + kTarget) + tunnel(std::string(kProxy) + "http://signal.crype.test:8081/") +
              tunnel(std::string(kProxy) + "http://turns.crype.test:8081/") +
              tunnel(std::string(kProxy) + "http://203.0.113.80:8081/") +
              tunnel(std::string(kProxy) + "http://198.51.100.20:8081/"));
  const auto lines = lines_of(out.out);
  ASSERT_EQ(lines.size(), 5u) << out.out;
  EXPECT_EQ(lines[0], "200 200");
  EXPECT_EQ(lines[1], "403 000");
  EXPECT_EQ(lines[2], "403 000");  // its name is allowed, its address is not
  EXPECT_EQ(lines[3], "403 000");
  EXPECT_EQ(lines[4], "503 000");  // allowed, and nobody is there
}

TEST(ProxyKinds, addresses_as_targets_are_refused_where_names_are_not) {
  const std::string script = tunnel(std::string(kProxy) + "http://203.0.113.80:8081/") +
                             tunnel(std::string(kProxy) + "'http://[2001:db8:113::80]:8081/'") +
                             tunnel(std::string(kProxy) + kTarget);
  EXPECT_EQ(lines_of(run("proxy: {ip-literals: denied}", script).out), (Lines{"403 000", "403 000", "200 200"}));
  EXPECT_EQ(lines_of(run("proxy: {ip-literals: allowed}", script).out)[0], "200 200");
}

// Opens so many tunnels one after the other and holds them; prints each status.
std::string hold(int count) {
  return fmt::format(R"(python3 - <<'END'
import socket
held = []
for i in range({}):
    s = socket.create_connection(('proxy.office.test', 3128))
    s.sendall(b'CONNECT www.crype.test:8080 HTTP/1.1\r\nHost: www.crype.test:8080\r\n\r\n')
    print(s.recv(4096).split()[1].decode())
    held.append(s)
END
)",
                     count);
}

TEST(ProxyKinds, a_client_has_no_more_connections_than_it_may) {
  const auto out = run("proxy: {max-connections: 2}", hold(3));
  EXPECT_EQ(lines_of(out.out), (Lines{"200", "200", "403"})) << out.out;
  EXPECT_EQ(out.lines("proxy", "tunnel-closed").size(), 2u) << out.events;
  EXPECT_EQ(lines_of(run("proxy: {}", hold(3)).out), (Lines{"200", "200", "200"}));
}

// A tunnel to the echo: sends every `every` seconds (0: never) until it is closed; prints for how long it lived.
std::string live(double every) {
  return fmt::format(R"(python3 - <<'END'
import socket, time
s = socket.create_connection(('proxy.office.test', 3128))
s.sendall(b'CONNECT www.crype.test:8080 HTTP/1.1\r\nHost: www.crype.test:8080\r\n\r\n')
assert s.recv(4096).startswith(b'HTTP/1.1 200')
begin = time.monotonic()
s.settimeout({0} or 12)
try:
    while time.monotonic() - begin < 9:
        if {0}:
            s.sendall(b'x')
        try:
            if not s.recv(4096):
                break
            time.sleep({0})
        except TimeoutError:
            pass
except OSError:
    pass
lived = time.monotonic() - begin
print('short' if lived < 1.8 else 'idle' if lived < 6 else 'long', lived)
END
)",
                     every);
}

TEST(ProxyKinds, a_silent_tunnel_is_closed_and_a_busy_one_is_not) {
  EXPECT_TRUE(run("proxy: {idle: 3s}", live(0)).out.starts_with("idle "));
  const auto busy = run("proxy: {idle: 3s}", live(0.5));
  EXPECT_TRUE(busy.out.starts_with("long ")) << busy.out;
}

// Squid's client_lifetime does not end a tunnel in which something moves: measured. The proxy is then one of our own.
TEST(ProxyKinds, a_busy_tunnel_is_closed_at_the_end_of_its_lifetime) {
  const auto busy = run("proxy: {lifetime: 3s}", live(0.5));
  EXPECT_TRUE(busy.out.starts_with("idle ")) << busy.out;  // between 1.8 and 6 seconds
}

// Sends so many bytes through a tunnel to the echo, takes them back, and holds it open until so much time has passed;
// prints for how many milliseconds it stood.
std::string carry(int bytes, double seconds) {
  return fmt::format(R"(python3 - <<'END'
import socket, threading, time
s = socket.create_connection(('proxy.office.test', 3128))
s.sendall(b'CONNECT www.crype.test:8080 HTTP/1.1\r\nHost: www.crype.test:8080\r\n\r\n')
assert s.recv(4096).startswith(b'HTTP/1.1 200')
begin = time.monotonic()
threading.Thread(target=s.sendall, args=(b'x' * {0},)).start()
left = {0}
while left:
    left -= len(s.recv(65536))
s.settimeout(max(begin + {1} - time.monotonic(), 0.001))
try:
    s.recv(1)
except TimeoutError:
    pass
s.close()
print(round((time.monotonic() - begin) * 1000))
END
)",
                     bytes, seconds);
}

std::int64_t number_in(const std::string& line, const std::string& name) {
  const auto at = line.find("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::stoll(line.substr(at + name.size() + 3));
}

// Heads count, too. Ours (`lifetime`) says the same as Squid.
TEST(ProxyKinds, of_a_tunnel_it_is_told_how_much_it_carried_and_how_long_it_stood) {
  constexpr int kBytes = 300'000;
  for (const auto* proxy : {"proxy: {}", "proxy: {lifetime: 60s}"}) {
    const auto out = run(proxy, carry(kBytes, 0.8));
    const auto stood = std::stoll("0" + out.out);
    EXPECT_GE(stood, 800) << out.out;
    const auto closed = out.lines("proxy", "tunnel-closed");
    ASSERT_EQ(closed.size(), 1u) << out.events;
    for (const auto* way : {"received", "sent"}) {
      EXPECT_GE(number_in(closed[0], way), kBytes) << closed[0];
      EXPECT_LT(number_in(closed[0], way), kBytes + 1000) << closed[0];
    }
    EXPECT_GE(number_in(closed[0], "milliseconds"), 790) << closed[0];
    EXPECT_LT(number_in(closed[0], "milliseconds"), stood + 5000) << closed[0];
  }
}

TEST(ProxyKinds, it_can_be_reached_over_tls_and_its_certificate_counts) {
  const std::string script = tunnel("-x https://proxy.office.test:3128 " + std::string(kTarget)) + "echo $?\n";
  EXPECT_EQ(lines_of(run("proxy: {tls: true}", script).out), (Lines{"200 200", "0"}));
  for (const auto* certificate : {"untrusted", "expired", "wrong-name"}) {
    const auto out = run(fmt::format("proxy: {{tls: {{certificate: {}}}}}", certificate), script);
    EXPECT_TRUE(has(out.out, "\n000 000\n60\n")) << certificate << out.out;
    EXPECT_TRUE(has(out.out, "SSL certificate problem") || has(out.out, "no alternative certificate subject name"))
        << out.out;
    EXPECT_TRUE(out.lines("proxy", "request").empty()) << out.events;
  }
}

// Who signed what the client sees of www.crype.test, and whether curl takes it.
std::string issuer(const std::string& arguments) {
  return "curl -sS -m 20 -v -o /tmp/body -w '%{http_code}\\n' " + arguments +
         " 2>/tmp/log; grep -o 'issuer: .*' /tmp/log; grep -c 'Upgrade: websocket' /tmp/body\n";
}

TEST(ProxyKinds, tls_in_tunnels_is_opened_and_signed_by_the_companys_authority) {
  const std::string upgrade = "-H 'Connection: Upgrade' -H 'Upgrade: websocket' --http1.1 ";
  const auto trusted = run("proxy: {inspect: {}}", issuer(kProxy + upgrade + kTlsTarget));
  EXPECT_EQ(lines_of(trusted.out), (Lines{"200", "issuer: CN=crypelab corporate inspection authority", "1"}))
      << trusted.out;
  EXPECT_TRUE(has(trusted.events, R"("sni":"www.crype.test","bump":"bump")")) << trusted.events;
  const auto stripped = run("proxy: {inspect: {upgrade: stripped}}", issuer(kProxy + upgrade + kTlsTarget));
  EXPECT_EQ(lines_of(stripped.out).back(), "0") << stripped.out;
  const auto untrusted = run("proxy: {inspect: {authority: untrusted}}", issuer(kProxy + std::string(kTlsTarget)));
  EXPECT_EQ(lines_of(untrusted.out).at(0), "000") << untrusted.out;
}

TEST(ProxyKinds, what_is_exempt_from_inspection_passes_as_it_is) {
  const auto out =
      run("proxy: {inspect: {authority: untrusted, exempt: www.crype.test}}", issuer(kProxy + std::string(kTlsTarget)));
  EXPECT_EQ(lines_of(out.out).at(0), "200") << out.out;
  EXPECT_EQ(lines_of(out.out).at(1), "issuer: CN=crypelab lab authority") << out.out;
  EXPECT_TRUE(has(out.events, R"("bump":"splice")")) << out.events;
}

TEST(ProxyKinds, one_proxy_forwards_to_another) {
  const auto out =
      run("proxies: {inner: {via: outer, auth: basic, users: {alice: wonderland}}, outer: {connect-ports: [8081]}}",
          tunnel("-x http://inner.office.test:3128 -U alice:wonderland " + std::string(kTarget)) +
              tunnel("-x http://inner.office.test:3128 -U alice:wonderland http://www.crype.test:8080/"));
  EXPECT_EQ(lines_of(out.out).at(0), "200 200") << out.out;
  EXPECT_EQ(lines_of(out.out).at(1), "403 000") << out.out;
  const auto closed = out.lines("proxy", "tunnel-closed");
  EXPECT_EQ(std::ranges::count_if(closed, [](const auto& line) { return has(line, "\"office.inner\""); }), 1)
      << out.events;
  EXPECT_EQ(std::ranges::count_if(closed, [](const auto& line) { return has(line, "\"office.outer\""); }), 1)
      << out.events;
}

TEST(ProxyKinds, a_transparent_proxy_takes_what_was_sent_to_others) {
  auto plan = plan_of(R"(
scenario: test/transparent
title: A transparent proxy
sites:
  office: {subnet: 10.20.0.0/24, nat: {}, egress: [{reject: {}}], proxy: {transparent: true}}
clients:
  alice: {site: office}
)");
  add_test_server(plan);
  const auto out = run_in_lab(plan, "alice",
                              "curl -sS -m 10 -o /dev/null -w '%{http_code}\\n' http://203.0.113.80/ || true\n"
                              "curl -sS -m 10 http://203.0.113.80:8081/ || echo refused\n");
  EXPECT_TRUE(has(out.out, "503") && has(out.out, "refused")) << out.out;
  const auto requests = out.lines("proxy", "request");
  ASSERT_EQ(requests.size(), 1u) << out.events;
  EXPECT_TRUE(has(requests[0], R"("method":"GET","target":"http://203.0.113.80/")")) << requests[0];
}

// What a host behind a transparent proxy that opens TLS sees of servers that it addresses itself.
LabRun behind_transparent(const std::string& inspect, const std::string& script) {
  return run_in_lab(plan_of(fmt::format(R"(
scenario: test/transparent-tls
title: A transparent proxy that opens TLS
sites:
  office: {{subnet: 10.20.0.0/24, nat: {{}}, proxy: {{transparent: true, inspect: {}}}}}
clients:
  alice: {{site: office}}
)",
                                        inspect)),
                    "alice", script);
}

constexpr const char* kSignaling = "https://signal.crype.test/v1/ice-servers";
constexpr const char* kCorporateIssuer = "issuer: CN=crypelab corporate inspection authority";
constexpr const char* kLabIssuer = "issuer: CN=crypelab lab authority";

// The name and the issuer of the leaf that a host is shown for a server name, whether it trusts it or not.
std::string leaf(const std::string& name) {
  return "openssl s_client -connect 203.0.113.10:443 -servername " + name +
         " </dev/null 2>/dev/null | openssl x509 -noout -issuer -ext subjectAltName\n";
}

TEST(ProxyKinds, a_transparent_proxy_opens_tls_that_was_sent_to_others) {
  const auto out = behind_transparent(
      "{}", issuer(kSignaling) + leaf("signal.crype.test") + "curl -sS -m 5 https://turns.crype.test:5349/ 2>&1\n");
  EXPECT_TRUE(has(out.out, std::string("401\n") + kCorporateIssuer)) << out.out;
  EXPECT_TRUE(has(out.out, "issuer=CN = crypelab corporate inspection authority") &&
              has(out.out, "DNS:signal.crype.test"))
      << out.out;
  const auto answered = out.lines("proxy", "answered");
  const auto seen = std::ranges::find_if(answered, [](const auto& line) { return has(line, kSignaling); });
  ASSERT_NE(seen, answered.end()) << out.events;
  EXPECT_TRUE(has(*seen, R"("where":"office.proxy")") && has(*seen, R"("status":401)") &&
              has(*seen, R"("sni":"signal.crype.test","bump":"bump")"))
      << *seen;
  // Of port 443 alone: what was sent to others does not come by it.
  for (const auto& line : out.lines("proxy", "request")) EXPECT_FALSE(has(line, "5349")) << line;
}

TEST(ProxyKinds, an_authority_of_a_transparent_proxy_that_hosts_do_not_know_is_refused) {
  const auto out = behind_transparent("{authority: untrusted}", issuer(kSignaling) + leaf("signal.crype.test"));
  EXPECT_TRUE(has(out.out, "000\n")) << out.out;
  EXPECT_TRUE(has(out.out, "issuer=CN = crypelab corporate inspection authority")) << out.out;
  EXPECT_FALSE(has(out.events, R"("method":"GET")")) << out.events;
}

TEST(ProxyKinds, a_transparent_proxy_leaves_exempt_names_alone) {
  const auto out = behind_transparent("{authority: untrusted, exempt: signal.crype.test}",
                                      issuer(kSignaling) + leaf("another.crype.test"));
  EXPECT_TRUE(has(out.out, std::string("401\n") + kLabIssuer)) << out.out;
  EXPECT_TRUE(has(out.out, "issuer=CN = crypelab corporate inspection authority")) << out.out;
  EXPECT_TRUE(has(out.events, R"("sni":"signal.crype.test","bump":"splice")")) << out.events;
}

TEST(ProxyKinds, one_that_does_not_start_says_why_and_at_once) {
  auto plan = plan_of(R"(
scenario: test/broken
title: A proxy that does not start
sites: {office: {proxy: {auth: basic, users: {alice: wonderland}}}}
clients: {alice: {site: office}}
)");
  for (auto& process : plan.processes) {
    if (process.name == "office.proxy") process.files.at(0).content += "no_such_word wonderland\n";
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto out = run_in_lab(plan, "alice", "true");
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            std::chrono::seconds(3));  // a second on a machine with nothing to do
  EXPECT_EQ(out.status, -1);
  EXPECT_TRUE(has(out.out, "office.proxy did not start") && has(out.out, "no_such_word")) << out.out;
  EXPECT_FALSE(has(out.out, "wonderland")) << out.out;
}

}  // namespace
}  // namespace crypelab::test::proxy_kinds_test
