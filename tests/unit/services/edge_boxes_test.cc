#include "harness/services/portal.h"
#include "harness/services/tls_inspection.h"

#include <gtest/gtest.h>

namespace crypelab::services::edge_boxes_test {
namespace {

TEST(PortalService, what_is_said_stands_in_its_settings) {
  PortalSettings settings{.process = "hotel.portal",
                          .host = "hotel.edge",
                          .full_name = "portal.hotel.test",
                          .subnets = {*parse_prefix("10.20.0.1/24"), *parse_prefix("2001:db8:20::1/64")},
                          .portal = {}};
  settings.portal.released = std::chrono::seconds(30);
  settings.portal.closes = std::chrono::minutes(1);
  auto process = portal(settings);
  EXPECT_EQ(process.files.at(0).content,
            R"({"listen":["10.20.0.1:80","[2001:db8:20::1]:80"],"name":"portal.hotel.test",)"
            R"("networks":["10.20.0.0/24","2001:db8:20::/64"],"tls_listen":["10.20.0.1:443","[2001:db8:20::1]:443"],)"
            R"("certificate":"{dir}/portal.crt","key":"{dir}/portal.key","released_ms":30000,"closes_ms":60000})");
  EXPECT_TRUE(process.network_administrator);
  ASSERT_EQ(process.certificates.size(), 1u);
  EXPECT_EQ(process.certificates[0].issuer, Issuer::stranger);
  settings.portal.tls = model::Portal::Tls::reset;
  process = portal(settings);
  EXPECT_EQ(process.files.at(0).content.find("tls_listen"), std::string::npos);
  EXPECT_TRUE(process.certificates.empty());
}

TlsBoxSettings office() {
  return {.process = "office.box",
          .host = "office.edge",
          .listen = {*parse_address("10.20.0.1"), *parse_address("2001:db8:20::1")}};
}

TEST(TlsInspectionService, what_is_said_stands_in_its_settings) {
  model::TlsInspection inspection;
  inspection.exempt = {"turns.crype.test"};
  inspection.inside = model::TlsInspection::Inside::http;
  auto process = tls_inspection(office(), inspection);
  EXPECT_EQ(process.files.at(0).content,
            R"({"listen":["10.20.0.1:3140","[2001:db8:20::1]:3140"],"certificate":"{dir}/authority.crt",)"
            R"("key":"{dir}/authority.key","http_only":true,"trusted":"/etc/ssl/certs/ca-certificates.crt",)"
            R"("exempt":["turns.crype.test"]})");
  ASSERT_EQ(process.certificates.size(), 1u);
  EXPECT_EQ(process.certificates[0].issuer, Issuer::corporate);
  EXPECT_TRUE(process.certificates[0].names.empty());
  inspection.private_accepted = true;
  process = tls_inspection(office(), inspection);
  EXPECT_EQ(process.files.at(0).content.find("trusted"), std::string::npos);
}

TEST(TlsInspectionService, a_line_of_its_log_is_an_event_of_a_gate) {
  const auto events = read_inspection_log(
      R"({"event":"intercepted","client":"10.20.0.10:1","server":"203.0.113.22:443","verdict":"opened"})");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].source, model::Source::gate);
  EXPECT_EQ(events[0].kind, "intercepted");
  EXPECT_EQ(model::text_field(events[0], "verdict"), "opened");
}

TEST(TlsRelayService, it_listens_by_ipv4_and_asks_for_a_hello_and_a_name) {
  model::TlsRelay relay;
  const auto any = tls_relay(office(), relay).files.at(0).content;
  EXPECT_NE(any.find("  bind 10.20.0.1:3141\n"), std::string::npos) << any;
  EXPECT_EQ(any.find("2001:db8"), std::string::npos) << any;
  EXPECT_NE(any.find("  tcp-request content accept if hello\n  tcp-request content reject\n"), std::string::npos)
      << any;
  relay.sni = {"signal.crype.test", "*.example.com"};
  const auto listed = tls_relay(office(), relay).files.at(0).content;
  EXPECT_NE(listed.find("  acl known req.ssl_sni -i -m str signal.crype.test\n"
                        "  acl known req.ssl_sni -i -m end .example.com\n"
                        "  tcp-request content accept if hello known\n"),
            std::string::npos)
      << listed;
}

TEST(TlsRelayService, its_lines_tell_what_was_relayed_and_what_was_not) {
  const auto relayed = read_relay_log(
      "crypelab-relay client=10.20.0.10:55010 server=203.0.113.80:443 sni=www.crype.test state=-- received=621 "
      "sent=1295 milliseconds=44");
  ASSERT_EQ(relayed.size(), 1u);
  EXPECT_EQ(relayed[0].source, model::Source::gate);
  EXPECT_EQ(relayed[0].kind, "relayed");
  EXPECT_EQ(model::text_field(relayed[0], "server"), "203.0.113.80:443");
  EXPECT_EQ(model::text_field(relayed[0], "sni"), "www.crype.test");
  EXPECT_EQ(*model::find_field(relayed[0], "sent"), model::Value(std::int64_t{1295}));
  const auto refused = read_relay_log(
      "crypelab-relay client=10.20.0.10:55058 server=203.0.113.80:443 sni=- state=PR received=5 sent=0 milliseconds=0");
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].kind, "decision");
  EXPECT_EQ(model::text_field(refused[0], "verdict"), "close");
  EXPECT_EQ(model::find_field(refused[0], "sni"), nullptr);
  EXPECT_TRUE(read_relay_log("[NOTICE] haproxy version is 2.6.12").empty());
  EXPECT_TRUE(read_relay_log("crypelab-relay client=a").empty());
}

}  // namespace
}  // namespace crypelab::services::edge_boxes_test
