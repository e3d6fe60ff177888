#include "harness/evidence/event_line.h"

#include <gtest/gtest.h>

namespace crypelab::evidence::event_line_test {
namespace {

model::Event event() {
  model::Event event;
  event.at = std::chrono::milliseconds(1500);
  event.source = model::Source::proxy;
  event.where = "office.proxy";
  event.kind = "request";
  return event;
}

TEST(EventLine, is_one_line_of_json_with_the_fields_in_their_order) {
  auto seen = event();
  seen.fields = {{"target", std::string("a\nb\"c")}, {"status", std::int64_t{407}}, {"open", true}};
  EXPECT_EQ(
      event_line(seen, Redaction(std::vector<Secret>{})),
      R"({"at":1.5E0,"source":"proxy","where":"office.proxy","kind":"request","target":"a\nb\"c","status":407,"open":true})"
      "\n");
}

TEST(EventLine, secrets_do_not_stand_in_it) {
  auto seen = event();
  seen.fields = {{"target", std::string("http://a/?p=wonderland&q=YWxpY2U6d29uZGVybGFuZA==")}};
  const auto line = event_line(seen, Redaction(std::vector<Secret>{{"office.proxy/alice", "wonderland"}}));
  EXPECT_EQ(line.find("wonderland"), std::string::npos) << line;
  EXPECT_EQ(line.find("d29uZGVybGFuZ"), std::string::npos) << line;
  EXPECT_NE(line.find("[secret:office.proxy/alice]"), std::string::npos) << line;
}

TEST(EventLine, bytes_that_are_no_utf_8_are_replaced_one_by_one) {
  auto seen = event();
  seen.fields = {{"agent", std::string("\xc3\xa4\xff\xed\xa0\x80\xf0\x9f\x98\x80\xe2\x82")}};
  const auto line = event_line(seen, Redaction(std::vector<Secret>{}));
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_NE(line.find("\"\xc3\xa4" + bad + bad + bad + bad + "\xf0\x9f\x98\x80" + bad + bad + "\""), std::string::npos)
      << line;
}

}  // namespace
}  // namespace crypelab::evidence::event_line_test
