#include "harness/services/pac_server.h"

#include <gtest/gtest.h>

namespace crypelab::services::pac_server_test {
namespace {

PacServerSettings office() {
  PacServerSettings settings{.process = "office.pac", .host = "office.pac", .pac = {}};
  settings.pac.content = "function FindProxyForURL(url, host) { return '{dir}'; }";
  return settings;
}

TEST(PacServer, the_file_is_served_as_it_is_under_one_name_or_two) {
  auto settings = office();
  auto process = pac_server(settings);
  ASSERT_EQ(process.files.size(), 2u);
  EXPECT_EQ(process.files[0].content,
            R"({"listen":["0.0.0.0:80","[::]:80"],"files":[{"path":"/proxy.pac","file":"{dir}/proxy.pac",)"
            R"("type":"application/x-ns-proxy-autoconfig","delay_ms":0,"never":false}]})");
  EXPECT_EQ(process.files[1].content, settings.pac.content);
  EXPECT_TRUE(process.files[1].verbatim);
  settings.pac.wpad = true;
  process = pac_server(settings);
  EXPECT_NE(process.files[0].content.find(R"("path":"/wpad.dat","file":"{dir}/proxy.pac")"), std::string::npos);
}

TEST(PacServer, it_may_be_slow_or_never_answer) {
  auto settings = office();
  settings.pac.delay = std::chrono::seconds(10);
  settings.pac.state = model::ServerState::silent;
  EXPECT_NE(pac_server(settings).files[0].content.find(R"("delay_ms":10000,"never":true)"), std::string::npos);
}

TEST(PacServer, a_line_of_its_log_is_an_event_of_the_web) {
  const auto events = read_web_log(R"({"event":"answered","client":"10.0.0.9:1","path":"/wpad.dat","status":200})");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].source, model::Source::web);
  EXPECT_EQ(events[0].kind, "answered");
  EXPECT_EQ(model::text_field(events[0], "path"), "/wpad.dat");
  EXPECT_TRUE(read_web_log("crypelab-faults: cannot listen").empty());
}

}  // namespace
}  // namespace crypelab::services::pac_server_test
