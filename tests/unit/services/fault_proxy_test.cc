#include "harness/services/fault_proxy.h"

#include <gtest/gtest.h>

namespace crypelab::services::fault_proxy_test {
namespace {

ProxySettings office() {
  ProxySettings settings;
  settings.process = "office.proxy";
  settings.host = "office.proxy";
  settings.realm = "OFFICE.TEST";
  settings.proxy.auth = {model::AuthScheme::digest, model::AuthScheme::basic};
  settings.proxy.users = {{"alice", "wonderland"}};
  settings.proxy.idle = std::chrono::seconds(60);
  settings.proxy.connect_ports = {{443, 443}};
  settings.proxy.faults.emplace();
  return settings;
}

TEST(FaultProxyService, what_is_said_stands_in_its_settings) {
  auto settings = office();
  settings.proxy.faults->algorithms = {"SHA-9", "SHA-256"};
  settings.proxy.faults->segment = 1;
  settings.proxy.faults->batch = std::chrono::milliseconds(200);
  const auto process = fault_proxy(settings);
  EXPECT_EQ(process.argv, (std::vector<std::string>{"{bin}/crypelab-faults", "proxy", "{dir}/proxy.json"}));
  ASSERT_EQ(process.files.size(), 1u);
  EXPECT_EQ(
      process.files[0].content,
      R"({"listen":["0.0.0.0:3128","[::]:3128"],"realm":"OFFICE.TEST","users":{"alice":"wonderland"},"challenges":[)"
      R"({"scheme":"Digest","algorithm":"SHA-9","domain":""},{"scheme":"Digest","algorithm":"SHA-256","domain":""},)"
      R"({"scheme":"Basic"}],"login":"","one_field":false,"close_refused":false,"refusal_body":0,)"
      R"("connect_ports":[[443,443]],"tunnel":{"status":200,"transfer_encoding":""},)"
      R"("cut":{"idle_ms":60000,"by":"close"},"pace":{"segment":1,"batch_ms":200}})");
}

TEST(FaultProxyService, a_line_of_its_log_is_an_event_of_a_proxy) {
  const auto events = read_fault_proxy_log(
      R"({"event":"tunnel-closed","client":"10.0.0.9:1","target":"a.test:443","received":5,"reason":"idle"})");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].source, model::Source::proxy);
  EXPECT_EQ(events[0].kind, "tunnel-closed");
  EXPECT_EQ(model::text_field(events[0], "reason"), "idle");
  EXPECT_EQ(*model::find_field(events[0], "received"), model::Value(std::int64_t{5}));
  EXPECT_TRUE(read_fault_proxy_log("crypelab-faults: cannot listen").empty());
  EXPECT_TRUE(read_fault_proxy_log("{\"event\":").empty());
  EXPECT_TRUE(read_fault_proxy_log("[1]").empty());
}

}  // namespace
}  // namespace crypelab::services::fault_proxy_test
