// PAC scripts in their own process, and what becomes of those that are broken.
#include "clients/reference/proxy/chooser.h"

#include "clients/reference/proxy/helper_process.h"
#include "edge.h"

#include <gtest/gtest.h>

namespace crypelab::client::proxy::chooser_test {
namespace {

using transport::Awaitable;

class Choosers : public ::testing::Test {
 protected:
  Choice choose(const Settings& settings, const std::string& host, Duration time = 10s) {
    Chooser chooser(edge.io.get_executor(), settings, edge.resolver, {});
    return ask(chooser, host, time);
  }
  Choice ask(Chooser& chooser, const std::string& host, Duration time = 10s) {
    return edge.wait(chooser.choose({"https", host, 443}, std::chrono::steady_clock::now() + time));
  }
  static Settings script(const std::string& text) {
    return {.mode = Mode::pac_script, .pac = "data:application/x-ns-proxy-autoconfig," + text};
  }
  static std::string text_of(const Choice& choice) {
    std::string text;
    for (const auto& one : choice.servers) text += (text.empty() ? "" : ", ") + to_string(one);
    return text;
  }
  transport::Edge edge;
};

TEST_F(Choosers, a_script_decides_for_each_host) {
  const auto settings = script(
      "function FindProxyForURL(url, host) { if (dnsDomainIs(host, '.crype.test')) return 'DIRECT'; "
      "if (shExpMatch(url, 'https://peer*')) return 'SOCKS5 s:1'; return 'PROXY dead:1; PROXY live:2; DIRECT'; }");
  Chooser chooser(edge.io.get_executor(), settings, edge.resolver, {});
  EXPECT_EQ(text_of(ask(chooser, "turn.crype.test")), "direct://");
  EXPECT_EQ(text_of(ask(chooser, "peer.test")), "socks5://s:1");
  EXPECT_EQ(text_of(ask(chooser, "a.test")), "http://dead:1, http://live:2, direct://");
  EXPECT_EQ(text_of(ask(chooser, "localhost")), "direct://");
}

TEST_F(Choosers, a_script_that_is_none_is_told_and_passed_over) {
  for (const auto* text : {"<html>log in</html>", "function FindProxyForURL(", "42"}) {
    const auto choice = choose(script(text), "a.test");
    EXPECT_EQ(text_of(choice), "direct://") << text;
    EXPECT_FALSE(choice.fault.empty()) << text;
  }
  const auto missing = choose({.mode = Mode::pac_script, .pac = "file:///does/not/exist.pac"}, "a.test");
  EXPECT_EQ(text_of(missing), "direct://");
  EXPECT_NE(missing.fault.find("exist.pac"), std::string::npos) << missing.fault;
}

TEST_F(Choosers, a_script_that_never_ends_costs_its_process_and_not_the_client) {
  const auto begun = std::chrono::steady_clock::now();
  const auto choice = choose(script("function FindProxyForURL(url, host) { while (true) {} }"), "a.test", 20s);
  EXPECT_EQ(text_of(choice), "direct://");
  EXPECT_FALSE(choice.fault.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s);
}

TEST_F(Choosers, without_a_wpad_server_detection_goes_directly) {
  const auto choice = choose({.mode = Mode::auto_detect}, "a.test");
  EXPECT_EQ(text_of(choice), "direct://");
  EXPECT_EQ(choice.fault, "no WPAD server");
}

TEST_F(Choosers, fixed_servers_and_their_exceptions) {
  const Settings settings{.mode = Mode::fixed_servers, .rules = "p:3128", .bypass = "*.crype.test"};
  EXPECT_EQ(text_of(choose(settings, "turn.crype.test")), "direct://");
  EXPECT_EQ(text_of(choose(settings, "a.test")), "http://p:3128");
  EXPECT_EQ(text_of(choose({.mode = Mode::direct}, "a.test")), "direct://");
}

TEST_F(Choosers, a_helper_that_dies_answers_nothing) {
  HelperProcess helper(edge.io.get_executor(), [](const std::string& question) -> std::string {
    if (question == "die") throw std::runtime_error("dead");
    return "you said " + question;
  });
  const auto soon = std::chrono::steady_clock::now() + 5s;
  EXPECT_EQ(edge.wait(helper.ask("hello", soon)), "you said hello");
  EXPECT_FALSE(edge.wait(helper.ask("die", soon)));
  EXPECT_FALSE(helper.alive());
  EXPECT_FALSE(edge.wait(helper.ask("hello", soon)));
}

}  // namespace
}  // namespace crypelab::client::proxy::chooser_test
