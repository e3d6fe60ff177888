#include "harness/services/squid.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace crypelab::services::squid_test {
namespace {

ProxySettings office() {
  ProxySettings settings;
  settings.process = "office.proxy";
  settings.host = "office.proxy";
  settings.full_name = "proxy.office.test";
  settings.realm = "OFFICE.TEST";
  settings.resolvers = {*parse_address("192.0.2.53")};
  return settings;
}

std::string configuration(const ProxySettings& settings) { return squid(settings).files.at(0).content; }

// The lines that begin with `word`, joined.
std::string lines(const std::string& text, const std::string& word) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    if (text.compare(at, word.size(), word) == 0) out += text.substr(at, end - at + 1);
    at = end + 1;
  }
  return out;
}

TEST(Squid, an_open_proxy_lets_everything_through_and_tells_of_it) {
  const auto text = configuration(office());
  EXPECT_EQ(lines(text, "http_access"),
            "http_access deny ready\nhttp_access deny !seen\nhttp_access deny !admitted\nhttp_access allow all\n");
  EXPECT_EQ(lines(text, "http_port"), "http_port 3128\n");
  EXPECT_EQ(lines(text, "dns_nameservers"), "dns_nameservers 192.0.2.53\n");
  EXPECT_EQ(lines(text, "auth_param"), "");
}

TEST(Squid, targets_are_judged_before_anybody_is_asked_who_they_are) {
  auto settings = office();
  auto& proxy = settings.proxy;
  proxy.auth = {model::AuthScheme::basic};
  proxy.users = {{"alice", "wonderland"}};
  proxy.connect_ports = {{443, 443}, {5000, 5010}};
  proxy.ip_literals = false;
  proxy.max_connections = 2;
  proxy.deny.domains = {"*.example.com"};
  proxy.allow.domains = {"a.test"};
  proxy.allow.prefixes = {*parse_prefix("203.0.113.0/24")};
  const auto text = configuration(settings);
  EXPECT_EQ(lines(text, "http_access"),
            "http_access deny ready\nhttp_access deny !seen\nhttp_access deny too_many\nhttp_access deny connect "
            "!connect_ports\nhttp_access deny ip_literal\nhttp_access deny denied\nhttp_access deny !allowed\n"
            "http_access deny !known\nhttp_access deny !admitted\nhttp_access allow all\n");
  EXPECT_EQ(lines(text, "acl connect_ports"), "acl connect_ports port 443 5000-5010\n");
  EXPECT_EQ(lines(text, "acl denied"),
            "acl denied_domains dstdom_regex -n -i [.]example[.]com$\nacl denied any-of denied_domains\n");
  EXPECT_EQ(lines(text, "acl allowed"),
            "acl allowed_domains dstdom_regex -n -i ^a[.]test$\nacl allowed_addresses dst 203.0.113.0/24\n"
            "acl allowed any-of allowed_domains allowed_addresses\n");
}

TEST(Squid, schemes_stand_in_the_order_of_the_scenario) {
  auto settings = office();
  settings.proxy.auth = {model::AuthScheme::ntlm, model::AuthScheme::digest, model::AuthScheme::basic};
  settings.proxy.users = {{"alice", "wonderland"}};
  const auto programs = lines(configuration(settings), "auth_param");
  EXPECT_LT(programs.find("ntlm program"), programs.find("digest program"));
  EXPECT_LT(programs.find("digest program"), programs.find("basic program"));
}

TEST(Squid, no_file_and_no_command_line_holds_a_password) {
  auto settings = office();
  settings.proxy.auth = {model::AuthScheme::ntlm, model::AuthScheme::digest, model::AuthScheme::basic};
  settings.proxy.users = {{"alice", "wonderland"}};
  const auto process = squid(settings);
  EXPECT_EQ(process.files.size(), 4u);
  for (const auto& word : process.argv) EXPECT_EQ(word.find("wonderland"), std::string::npos) << word;
  for (const auto& file : process.files) EXPECT_EQ(file.content.find("wonderland"), std::string::npos) << file.name;
}

TEST(Squid, a_proxy_over_tls_is_asked_whether_it_is_ready_beside_that) {
  auto settings = office();
  settings.proxy.tls = model::ServerCertificate::wrong_name;
  const auto process = squid(settings);
  EXPECT_EQ(std::get<AnswersTcp>(process.readiness).server.port, 3127);
  EXPECT_EQ(lines(process.files.at(0).content, "http_port"), "http_port 127.0.0.1:3127\n");
  ASSERT_EQ(process.certificates.size(), 1u);
  EXPECT_NE(process.certificates[0].names.at(0), "proxy.office.test");
}

TEST(Squid, the_limit_of_silent_tunnels_is_its_timer) {
  auto settings = office();
  settings.proxy.idle = std::chrono::seconds(60);
  const auto text = configuration(settings);
  EXPECT_EQ(lines(text, "read_timeout"), "read_timeout 60 seconds\n");
}

}  // namespace
}  // namespace crypelab::services::squid_test
