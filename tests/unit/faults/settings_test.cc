#include "harness/base/error.h"
#include "harness/faults/portal.h"
#include "harness/faults/proxy_settings.h"
#include "harness/faults/web_files.h"

#include <gtest/gtest.h>

namespace crypelab::faults::settings_test {
namespace {

using namespace std::chrono_literals;

std::string complaint_about(const std::string& json) {
  try {
    parse_proxy_settings(json);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.exit(), Exit::data);
    return failure.what();
  }
  return "";
}

TEST(ProxySettings, every_word_is_read) {
  const auto read = parse_proxy_settings(
      R"({"listen":["10.0.0.2:3128","[2001:db8::2]:3128"],"realm":"R","users":{"alice":"wonderland"},
          "challenges":[{"scheme":"Digest","algorithm":"MD5","domain":"/"}],"one_field":true,"refusal":"307",
          "login":"http://x/","close_refused":true,"refusal_body":9,"nonce_life_ms":20000,"session_ms":5,
          "connect_ports":[[443,444]],"tunnel":{"status":204,"content_length":3,"transfer_encoding":"chunked"},
          "answer":503,"cut":{"after_ms":1,"bytes":2,"idle_ms":3,"by":"silence"},"pace":{"segment":1,"batch_ms":200},
          "down":{"from_ms":7,"lasting_ms":8}})");
  ProxySettings wanted;
  wanted.listen = {*parse_endpoint("10.0.0.2:3128"), *parse_endpoint("[2001:db8::2]:3128")};
  wanted.realm = "R";
  wanted.users = {{"alice", "wonderland"}};
  wanted.challenges = {{"Digest", "MD5", "/"}};
  wanted.one_field = true;
  wanted.refusal = Refusal::redirect_307;
  wanted.login = "http://x/";
  wanted.close_refused = true;
  wanted.refusal_body = 9;
  wanted.nonce_life = 20s;
  wanted.session = 5ms;
  wanted.connect_ports = {{443, 444}};
  wanted.tunnel = {204, 3, "chunked"};
  wanted.answer = 503;
  wanted.cut = {1ms, 2, 3ms, CutBy::silence};
  wanted.pace = {1, 200ms};
  wanted.down = Downtime{7ms, 8ms};
  EXPECT_EQ(read, wanted);
}

TEST(ProxySettings, what_is_wrong_is_named) {
  EXPECT_NE(complaint_about("{").find("not JSON"), std::string::npos);
  EXPECT_NE(complaint_about("{}").find("listen"), std::string::npos);
  const std::string start = R"({"listen":["10.0.0.2:3128"],)";
  EXPECT_NE(complaint_about(start + R"("realms":"x"})").find("realms"), std::string::npos);
  EXPECT_NE(complaint_about(start + R"("tunnel":{"status":199}})").find("tunnel.status"), std::string::npos);
  EXPECT_NE(complaint_about(start + R"("cut":{"by":"magic"}})").find("cut.by"), std::string::npos);
  EXPECT_NE(complaint_about(start + R"("refusal":"308"})").find("refusal"), std::string::npos);
}

WebRequest request(const std::string& method, const std::string& host, const std::string& target) {
  WebRequest made;
  made.head.method = method;
  made.head.target = target;
  made.head.fields.add("Host", host);
  return made;
}

TEST(WebFiles, a_file_is_found_by_its_path_alone) {
  const std::vector<WebFile> files{{"/wpad.dat", "function", "application/x-ns-proxy-autoconfig", 200, 10s, false}};
  const auto found = serve_file(files, request("GET", "wpad", "/wpad.dat?x=1"));
  EXPECT_EQ(found.status, 200U);
  EXPECT_EQ(found.body, "function");
  EXPECT_EQ(found.type, "application/x-ns-proxy-autoconfig");
  EXPECT_EQ(found.delay, 10s);
  EXPECT_EQ(serve_file(files, request("GET", "wpad", "/other")).status, 404U);
  EXPECT_EQ(serve_file(files, request("POST", "wpad", "/wpad.dat")).status, 405U);
}

TEST(Portal, every_other_name_leads_to_the_login_page_and_a_post_there_signs_in) {
  PortalSettings portal;
  portal.name = "portal.hotel.test";
  const auto led = answer_portal(portal, request("GET", "www.crype.test", "/"));
  EXPECT_EQ(led.reply.status, 302U);
  EXPECT_EQ(led.reply.more.find("Location"), "http://portal.hotel.test/");
  EXPECT_FALSE(led.login);
  const auto page = answer_portal(portal, request("GET", "portal.hotel.test:80", "/"));
  EXPECT_EQ(page.reply.status, 200U);
  EXPECT_FALSE(page.login);
  EXPECT_TRUE(answer_portal(portal, request("POST", "Portal.Hotel.Test", "/login")).login);
  EXPECT_FALSE(answer_portal(portal, request("POST", "www.crype.test", "/login")).login);
}

TEST(Portal, a_release_is_one_nft_command) {
  EXPECT_EQ(release_command(*parse_prefix("10.0.0.1/24")),
            "add element inet crypelab portal_networks4 { 10.0.0.0/24 }");
  const auto one = release_command(*parse_address("2001:db8::9"), 60s);
  EXPECT_EQ(close_command(),
            "flush set inet crypelab portal_hosts4; flush set inet crypelab portal_hosts6; "
            "flush set inet crypelab portal_networks4; flush set inet crypelab portal_networks6; ");
  EXPECT_NE(one.find("add element inet crypelab portal_hosts6 { 2001:db8::9 timeout 60000ms }"), std::string::npos)
      << one;
}

}  // namespace
}  // namespace crypelab::faults::settings_test
