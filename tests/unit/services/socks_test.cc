#include "harness/services/socks.h"

#include <gtest/gtest.h>

namespace crypelab::services::socks_test {
namespace {

SocksSettings office() {
  SocksSettings settings;
  settings.process = settings.host = "office.socks";
  settings.full_name = "socks.office.test";
  settings.addresses = {*parse_address("10.20.0.2"), *parse_address("2001:db8:20::2")};
  return settings;
}

TEST(Socks, without_users_everybody_may_connect_everywhere) {
  const auto process = socks(office());
  EXPECT_EQ(process.argv, (std::vector<std::string>{"danted", "-f", "{dir}/danted.conf", "-p", "{dir}/danted.pid"}));
  ASSERT_EQ(process.files.size(), 1u);
  EXPECT_EQ(process.files[0].content,
            "logoutput: stdout\n"
            "internal: 10.20.0.2 port = 1080\n"
            "internal: 2001:db8:20::2 port = 1080\n"
            "external: 10.20.0.2\n"
            "external: 2001:db8:20::2\n"
            "clientmethod: none\n"
            "socksmethod: none\n"
            "client pass {\n  from: 0/0 to: 0/0\n  log: connect disconnect error\n}\n"
            "socks pass {\n  from: 0/0 to: 0/0\n  command: connect\n  log: connect disconnect error\n}\n");
  EXPECT_TRUE(process.system_files.empty());
}

TEST(Socks, users_stand_in_the_password_file_of_its_machine_and_ports_in_its_rules) {
  auto settings = office();
  settings.socks.users = {{"alice", "wonderland"}, {"bob", "builder 1"}};
  settings.socks.connect_ports = {{443, 443}, {5000, 5010}};
  const auto process = socks(settings);
  const auto& text = process.files.at(0).content;
  EXPECT_NE(text.find("socksmethod: username\n"), std::string::npos);
  EXPECT_NE(text.find("  from: 0/0 to: 0/0 port = 443\n"), std::string::npos);
  EXPECT_NE(text.find("  from: 0/0 to: 0/0 port 5000-5010\n"), std::string::npos);
  EXPECT_EQ(text.find("to: 0/0\n  command"), std::string::npos);
  const auto& shadow = process.system_files.at("/etc/shadow");
  EXPECT_TRUE(shadow.starts_with("alice:$5$")) << shadow;
  EXPECT_NE(shadow.find(":::::::\nbob:$5$"), std::string::npos) << shadow;
  EXPECT_EQ(shadow.find("wonderland"), std::string::npos);
}

constexpr const char* kTime = "Nov 22 12:55:38 (1795352138.227) danted[15518]: info: ";

std::vector<model::Event> read(const std::string& line) { return read_dante_log(kTime + line); }

TEST(Socks, a_connection_that_was_made_and_its_end_are_events) {
  const auto opened = read(
      "pass(1): tcp/connect [: username%alice@10.20.0.10.48060 10.20.0.2.1080 -> 10.20.0.2.49065 203.0.113.80.8081");
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].source, model::Source::proxy);
  EXPECT_EQ(opened[0].kind, "tunnel-opened");
  EXPECT_EQ(model::text_field(opened[0], "client"), "10.20.0.10:48060");
  EXPECT_EQ(model::text_field(opened[0], "upstream"), "203.0.113.80:8081");
  EXPECT_EQ(model::text_field(opened[0], "user"), "alice");
  const auto closed = read(
      "pass(1): tcp/connect ]: 577 -> 2001:db8:20::10.48060 2001:db8:20::2.1080 -> 79, 79 -> 2001:db8:20::2.49065 "
      "2001:db8:113::80.8081 -> 577: local client closed.  Session duration: 0s");
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].kind, "tunnel-closed");
  EXPECT_EQ(model::text_field(closed[0], "client"), "[2001:db8:20::10]:48060");
  EXPECT_EQ(model::text_field(closed[0], "upstream"), "[2001:db8:113::80]:8081");
  EXPECT_EQ(model::text_field(closed[0], "reason"), "local client closed");
  EXPECT_EQ(*model::find_field(closed[0], "received"), model::Value(std::int64_t{79}));
  EXPECT_EQ(*model::find_field(closed[0], "sent"), model::Value(std::int64_t{577}));
}

TEST(Socks, a_refusal_says_why_and_the_labs_own_question_nothing) {
  const auto refused = read(
      "block(1): tcp/accept ]: 10.20.0.10.42168 10.20.0.2.1080: error after reading 23 bytes in 0 seconds: system "
      "password authentication failed for user \"alice\"");
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].kind, "refused");
  EXPECT_EQ(model::text_field(refused[0], "client"), "10.20.0.10:42168");
  EXPECT_NE(model::text_field(refused[0], "reason").find("authentication failed"), std::string_view::npos);
  EXPECT_TRUE(read("block(1): tcp/accept ]: 10.20.0.2.42168 10.20.0.2.1080: error after reading 3 bytes").empty());
  EXPECT_TRUE(read("pass(1): tcp/accept [: 10.20.0.10.42168 10.20.0.2.1080").empty());
  EXPECT_TRUE(read("pass(1): tcp/accept ]: 577 -> 10.20.0.10.1 10.20.0.2.1080 -> 79: local client closed.").empty());
  EXPECT_TRUE(read("pass(1): tcp/connect ]: ").empty());
  EXPECT_TRUE(read_dante_log("").empty());
}

}  // namespace
}  // namespace crypelab::services::socks_test
