#include "clients/reference/proxy/app.h"
#include "clients/reference/proxy/chooser.h"
#include "clients/reference/proxy/login.h"
#include "clients/reference/proxy/settings.h"

#include <gtest/gtest.h>

namespace crypelab::client::proxy::proxy_settings_test {
namespace {

std::string text_of(const Servers& servers) {
  std::string text;
  for (const auto& one : servers) text += (text.empty() ? "" : ", ") + to_string(one);
  return text;
}

std::string chosen(const std::string& rules, const std::string& scheme) {
  const auto parsed = Rules::parse(rules);
  return parsed ? text_of(parsed->servers(scheme)) : "complaint: " + parsed.complaint();
}

TEST(ProxyRules, one_list_is_for_everything) {
  for (const auto* scheme : {"http", "https", "wss", "ftp"}) {
    EXPECT_EQ(chosen("foopy:3128", scheme), "http://foopy:3128");
    EXPECT_EQ(chosen("https://Foopy,socks5://[2001:db8::1]:99, direct://", scheme),
              "https://foopy:443, socks5://[2001:db8::1]:99, direct://");
  }
}

TEST(ProxyRules, a_scheme_has_its_own_list) {
  const std::string rules = "http=foopy:80;https=second,third:8080;ftp=foopy2";
  EXPECT_EQ(chosen(rules, "http"), "http://foopy:80");
  EXPECT_EQ(chosen(rules, "https"), "http://second:80, http://third:8080");
  EXPECT_EQ(chosen(rules, "ftp"), "http://foopy2:80");
  EXPECT_EQ(chosen("http=foopy;socks=foopy2", "https"), "socks5://foopy2:1080");
  EXPECT_EQ(chosen("http=foopy", "https"), "");
}

TEST(ProxyRules, a_websocket_prefers_socks_then_https_then_http) {
  EXPECT_EQ(chosen("http=a;https=b;socks=c", "wss"), "socks5://c:1080");
  EXPECT_EQ(chosen("http=a;https=b", "wss"), "http://b:80");
  EXPECT_EQ(chosen("http=a", "wss"), "http://a:80");
}

TEST(ProxyRules, what_is_none_is_said) {
  for (const auto* bad : {"", ";", "quic://a", "a:0", "a:70000", "a b", "gopher=a", "a;b", "http=a;b", "direct://a",
                          "http=", "socks4://a", "[::1", "[1.2.3.4]:80"}) {
    EXPECT_FALSE(Rules::parse(bad)) << bad;
  }
}

bool bypassed(const std::string& rules, const std::string& scheme, const std::string& host, std::uint16_t port = 443) {
  const auto parsed = Bypass::parse(rules);
  EXPECT_TRUE(parsed) << rules;
  return parsed && parsed->matches(scheme, host, port);
}

TEST(Bypass, patterns_of_hosts) {
  EXPECT_TRUE(bypassed("foobar.com", "https", "FooBar.com"));
  EXPECT_FALSE(bypassed("foobar.com", "https", "www.foobar.com"));
  EXPECT_TRUE(bypassed("*foobar.com", "https", "www.foobar.com"));
  EXPECT_TRUE(bypassed(".foobar.com", "https", "www.foobar.com"));
  EXPECT_FALSE(bypassed(".foobar.com", "https", "foobar.com"));
  EXPECT_TRUE(bypassed("*foobar.com:99", "https", "foobar.com", 99));
  EXPECT_FALSE(bypassed("*foobar.com:99", "https", "foobar.com", 98));
  EXPECT_TRUE(bypassed("https://x.*.y.com:99", "https", "x.abc.y.com", 99));
  EXPECT_FALSE(bypassed("https://x.*.y.com:99", "wss", "x.abc.y.com", 99));
  EXPECT_TRUE(bypassed("a.test; b.test,c.test", "https", "b.test"));
}

TEST(Bypass, addresses_and_prefixes) {
  EXPECT_TRUE(bypassed("10.0.0.0/8", "https", "10.20.30.40"));
  EXPECT_FALSE(bypassed("10.0.0.0/8", "https", "11.20.30.40"));
  EXPECT_TRUE(bypassed("[2001:db8::1]:80", "http", "2001:db8::1", 80));
  EXPECT_TRUE(bypassed("2001:db8::/32", "https", "2001:db8:1::7"));
  EXPECT_FALSE(bypassed("10.0.0.0/8", "https", "ten.test"));
}

TEST(Bypass, local_names_and_what_goes_directly_unasked) {
  EXPECT_TRUE(bypassed("<local>", "https", "intranet"));
  EXPECT_FALSE(bypassed("<local>", "https", "intranet.test"));
  EXPECT_FALSE(bypassed("<local>", "https", "10.0.0.1"));
  for (const auto* host : {"localhost", "a.localhost", "127.0.0.1", "::1", "169.254.1.1", "fe80::1"}) {
    EXPECT_TRUE(bypassed("", "https", host)) << host;
    EXPECT_FALSE(bypassed("<-loopback>", "https", host)) << host;
  }
}

TEST(Bypass, what_is_no_rule_is_said) {
  for (const auto* bad : {"://a", "a:b", "a:70000", "[::1", "10.0.0.0/33", "https://10.0.0.0/8", "a b", ":80"}) {
    EXPECT_FALSE(Bypass::parse(bad)) << bad;
  }
}

TEST(Bypass, many_stars_take_no_time) {
  const std::string pattern = std::string(100, '*') + "a" + std::string(100, '*') + "b";
  EXPECT_FALSE(matches_pattern(pattern, std::string(20'000, 'a')));
}

TEST(PacAnswer, entries_that_are_not_understood_are_left_out) {
  EXPECT_EQ(text_of(parse_pac_answer("PROXY dead:1; HTTPS live; SOCKS5 s:2 ; DIRECT")),
            "http://dead:1, https://live:443, socks5://s:2, direct://");
  EXPECT_EQ(text_of(parse_pac_answer("QUIC a:1; proxy b:8080;; PROXY ; PROXY c:99999")), "http://b:8080");
  EXPECT_EQ(text_of(parse_pac_answer("")), "direct://");
  EXPECT_EQ(text_of(parse_pac_answer("DIRECT")), "direct://");
}

TEST(Environment, the_usual_variables) {
  EXPECT_FALSE(from_environment({{"no_proxy", "a"}}));
  const auto found = from_environment({{"http_proxy", "http://u:secret@a:3128/"},
                                       {"HTTPS_PROXY", "b:8080"},
                                       {"no_proxy", "localhost, internal.test,10.0.0.0/8"}});
  ASSERT_TRUE(found);
  EXPECT_EQ(text_of(found->fixed.choose("https", "turn.test", 443)), "http://b:8080");
  EXPECT_EQ(text_of(found->fixed.choose("http", "turn.test", 80)), "http://a:3128");
  for (const auto* host : {"internal.test", "turn.internal.test", "10.1.2.3"}) {
    EXPECT_EQ(text_of(found->fixed.choose("https", host, 443)), "direct://") << host;
  }
  EXPECT_EQ(text_of(found->fixed.choose("https", "notinternal.test", 443)), "http://b:8080");
  EXPECT_EQ(text_of(from_environment({{"all_proxy", "socks5h://s"}})->fixed.choose("wss", "x.test", 1)),
            "socks5://s:1080");
  EXPECT_EQ(from_environment({{"auto_proxy", "http://w/p.pac"}})->pac, "http://w/p.pac");
}

TEST(ProxySettings, faults_are_told_before_anything_is_opened) {
  EXPECT_FALSE(fault_of({.mode = Mode::direct}));
  EXPECT_FALSE(fault_of({.mode = Mode::fixed_servers, .rules = "a:1", .bypass = "<local>"}));
  EXPECT_TRUE(fault_of({.mode = Mode::fixed_servers, .rules = "a:1", .bypass = "a b"}));
  EXPECT_TRUE(fault_of({.mode = Mode::fixed_servers}));
  EXPECT_TRUE(fault_of({.mode = Mode::pac_script, .pac = "proxy.pac"}));
  EXPECT_FALSE(fault_of({.mode = Mode::pac_script, .pac = "http://a/proxy.pac"}));
  EXPECT_FALSE(parse_mode("auto"));
  EXPECT_EQ(*parse_mode("auto_detect"), Mode::auto_detect);
}

TEST(Apps, each_has_its_habits) {
  const Settings job{.mode = Mode::fixed_servers, .rules = "a:1"};
  const auto mode = [&](App app, Purpose purpose, const Settings& settings) {
    return settings_for(app, purpose, settings).mode;
  };
  for (const auto app : {App::browser, App::desktop, App::mobile_system, App::mobile_custom}) {
    for (const auto purpose : {Purpose::signaling, Purpose::turn}) {
      EXPECT_EQ(mode(app, purpose, job), Mode::fixed_servers);
    }
  }
  // Without a word in the job a browser and a device go by the machine's setting, an application by its own.
  EXPECT_EQ(mode(App::browser, Purpose::turn, {.mode = Mode::direct}), Mode::system);
  EXPECT_EQ(mode(App::desktop, Purpose::turn, {.mode = Mode::direct}), Mode::direct);
  EXPECT_EQ(mode(App::desktop_split, Purpose::signaling, job), Mode::direct);
  EXPECT_EQ(mode(App::desktop_split, Purpose::turn, job), Mode::fixed_servers);
  EXPECT_EQ(mode(App::mobile_native, Purpose::signaling, job), Mode::fixed_servers);
  EXPECT_EQ(mode(App::mobile_native, Purpose::turn, job), Mode::direct);
  EXPECT_EQ(mode(App::desktop_unconfigured, Purpose::signaling, {.mode = Mode::system}), Mode::direct);
}

TEST(Wpad, is_looked_for_above_the_search_domain_but_not_beside_the_site) {
  EXPECT_EQ(wpad_hosts({"eu.office.test", "office.test"}),
            (std::vector<std::string>{"wpad.eu.office.test", "wpad.office.test"}));
  EXPECT_TRUE(wpad_hosts({"test"}).empty());
}

std::string strongest(const std::vector<std::string>& fields, Account::Kind kind, Misbehaviour broken = {}) {
  wire::HttpFields all;
  for (const auto& field : fields) all.add("Proxy-Authenticate", field);
  std::string text;
  for (const auto& one : answerable(wire::challenges_of(all, "Proxy-Authenticate"), {kind, "u", "p"}, broken)) {
    text += (text.empty() ? "" : " ") + std::string(name_of(one.scheme));
    if (one.scheme == Scheme::digest) text += ":" + std::string(wire::name_of(one.digest.algorithm));
  }
  return text;
}

TEST(Challenges, strongest_first) {
  const std::vector<std::string> all{"Basic realm=\"r\", Foo, nTLM", "Digest realm=\"r\", nonce=\"n\"",
                                     "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"", "NEGOTIATE"};
  EXPECT_EQ(strongest(all, Account::Kind::given), "digest:SHA-256 digest:MD5 ntlm basic");
  EXPECT_EQ(strongest(all, Account::Kind::given, {Rule::p17}), "digest:MD5 digest:SHA-256 ntlm basic");
  EXPECT_EQ(strongest(all, Account::Kind::ambient), "negotiate");
  EXPECT_EQ(strongest(all, Account::Kind::prompt), "");
}

}  // namespace
}  // namespace crypelab::client::proxy::proxy_settings_test
