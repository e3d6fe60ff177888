#include "harness/services/dns_faults.h"

#include <gtest/gtest.h>

namespace crypelab::services::dns_faults_test {
namespace {

TEST(dns_faults_process, the_command_line_says_what_goes_wrong) {
  DnsFaults settings;
  settings.name = "office.dns-faults";
  settings.host = "office.edge";
  settings.listen = {*parse_address("10.20.0.1"), *parse_address("2001:db8:20::1")};
  settings.upstream = *parse_endpoint("127.0.0.1:5301");
  settings.dns.delay = std::chrono::seconds(5);
  settings.dns.aaaa = model::Aaaa::silent;
  EXPECT_EQ(dns_faults(settings).argv,
            (std::vector<std::string>{"{bin}/crypelab-faults", "dns", "--listen", "10.20.0.1:53", "--listen",
                                      "[2001:db8:20::1]:53", "--upstream", "127.0.0.1:5301", "--delay", "5s", "--aaaa",
                                      "silent"}));
}

TEST(dns_faults_process, only_what_goes_wrong_takes_the_program) {
  model::Dns dns;
  EXPECT_FALSE(has_faults(dns));
  dns.answers = model::Answers::internal_only;
  EXPECT_FALSE(has_faults(dns));
  dns.answers = model::Answers::servfail;
  EXPECT_TRUE(has_faults(dns));
}

TEST(dns_faults_process, questions_in_its_log_become_events_and_other_lines_do_not) {
  const auto events = read_dns_faults_log(
      R"({"event":"question","client":"10.0.0.2:5000","transport":"udp","name":"turn.crype.test","type":"A","fate":"servfail"})");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].source, model::Source::dns);
  EXPECT_EQ(events[0].kind, "question");
  EXPECT_EQ(model::text_field(events[0], "client"), "10.0.0.2:5000");
  EXPECT_EQ(model::text_field(events[0], "fate"), "servfail");
  for (const char* line : {"", "{", "[]", "3", R"({"event":"ready"})", R"({"event":7})"}) {
    EXPECT_TRUE(read_dns_faults_log(line).empty()) << line;
  }
}

}  // namespace
}  // namespace crypelab::services::dns_faults_test
