#include "harness/model/event.h"

#include <gtest/gtest.h>

namespace crypelab::model::event_test {
namespace {

TEST(Event, a_field_is_found_by_its_name_and_type) {
  const Event event{.source = Source::proxy,
                    .where = "office.proxy",
                    .kind = "connect",
                    .fields = {{"target", std::string("turn.crype.test:443")}, {"status", std::int64_t{407}}}};
  EXPECT_EQ(text_field(event, "target"), "turn.crype.test:443");
  EXPECT_EQ(text_field(event, "status"), "");
  EXPECT_EQ(std::get<std::int64_t>(*find_field(event, "status")), 407);
  EXPECT_EQ(find_field(event, "user"), nullptr);
  EXPECT_EQ(to_string(event.source), "proxy");
}

}  // namespace
}  // namespace crypelab::model::event_test
