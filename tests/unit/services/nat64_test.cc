#include "harness/services/tayga.h"
#include "harness/services/unbound.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace crypelab::services::nat64_test {
namespace {

TEST(tayga, translates_between_the_prefix_and_its_pool) {
  const auto process = nat64_translator({.name = "mobile.nat64",
                                         .host = "mobile.edge",
                                         .interface = "nat64",
                                         .prefix = *parse_prefix("2001:db8:64::/96"),
                                         .pool = *parse_prefix("100.127.0.0/16")});
  ASSERT_EQ(process.files.size(), 1U);
  EXPECT_EQ(process.files[0].content,
            "tun-device nat64\nipv4-addr 100.127.0.1\nprefix 2001:db8:64::/96\ndynamic-pool 100.127.0.0/16\n"
            "strict-frag-hdr off\n");
  EXPECT_TRUE(process.tunnel_device);
  EXPECT_TRUE(process.network_administrator);
  EXPECT_EQ(std::get<HasInterface>(process.readiness).name, "nat64");
}

TEST(unbound, synthesizes_in_the_prefix_and_asks_the_sites_own_resolver) {
  Dns64 settings;
  settings.listen = {*parse_address("2001:db8:61::1")};
  settings.upstream = *parse_endpoint("127.0.0.1:5301");
  settings.prefix = *parse_prefix("2001:db8:64::/96");
  const auto process = dns64(settings);
  const auto& text = process.files.at(0).content;
  for (const char* line :
       {"  interface: 2001:db8:61::1@53\n", "  module-config: \"dns64 iterator\"\n",
        "  dns64-prefix: 2001:db8:64::/96\n", "forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@5301\n",
        "  control-enable: no\n", "  username: \"\"\n", "  local-data: \"ready.lab.test. 0 IN A 127.0.0.1\"\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(std::get<AnswersDns>(process.readiness).name, kReadyName);
  EXPECT_FALSE(process.network_administrator);
}

TEST(unbound, answers_in_its_log_become_events_and_other_lines_do_not) {
  const auto events =
      read_unbound_log("[1795346141] unbound[26801:0] info: 127.0.0.1 turn.crype.test. AAAA IN NOERROR 0.014681 0 72");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "answer");
  EXPECT_EQ(model::text_field(events[0], "client"), "127.0.0.1");
  EXPECT_EQ(model::text_field(events[0], "name"), "turn.crype.test");
  EXPECT_EQ(model::text_field(events[0], "type"), "AAAA");
  EXPECT_EQ(model::text_field(events[0], "code"), "NOERROR");
  for (const char* line : {"", "[", "[1] unbound[1:0] info: start of service (unbound 1.17.1).",
                           "[1] unbound[1:0] info: 127.0.0.1 ready.lab.test. A IN NOERROR 0.0 1 59",
                           "[1] unbound[1:0] info: 127.0.0.1 turn.crype.test. A IN"}) {
    EXPECT_TRUE(read_unbound_log(line).empty()) << line;
  }
}

}  // namespace
}  // namespace crypelab::services::nat64_test
