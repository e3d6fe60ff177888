#include "harness/services/json_line.h"

#include "harness/services/fault_proxy.h"
#include "harness/services/pac_server.h"
#include "harness/services/scripted_turn.h"
#include "harness/services/tls_inspection.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace crypelab::services::json_line_test {
namespace {

std::string line_of(std::size_t size) {
  std::string line = R"({"event":"request","text":")";
  line.append(size - line.size() - 2, 'x');
  return line + "\"}";
}

// All programs of ours write alike, and all that they write is read alike.
TEST(JsonLine, every_reader_reads_the_same_of_the_same_line) {
  constexpr std::string_view kLine =
      R"({"event":"request","t":7,"big":18446744073709551615,"list":["a","b"],"flag":true,"object":{},"real":0.5})";
  for (const auto& read : {read_fault_proxy_log, read_web_log, read_inspection_log, read_scripted_turn_log}) {
    const auto events = read(kLine);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, "request");
    ASSERT_EQ(events[0].fields.size(), 4u);
    EXPECT_EQ(events[0].fields[0], (std::pair<std::string, model::Value>("big", 18446744073709551615.0)));
    EXPECT_EQ(events[0].fields[1], (std::pair<std::string, model::Value>("list", std::string("a, b"))));
    EXPECT_EQ(events[0].fields[2], (std::pair<std::string, model::Value>("flag", true)));
    EXPECT_EQ(events[0].fields[3], (std::pair<std::string, model::Value>("real", 0.5)));
  }
}

TEST(JsonLine, a_line_beyond_64_kibibytes_is_none) {
  EXPECT_TRUE(event_of_json_line(line_of(65'536), model::Source::turn));
  EXPECT_FALSE(event_of_json_line(line_of(65'537), model::Source::turn));
}

TEST(JsonLine, of_one_kind_alone_if_it_is_said) {
  EXPECT_EQ(read_json_line(line_of(50), model::Source::turn, "request").size(), 1u);
  EXPECT_TRUE(read_json_line(line_of(50), model::Source::turn, "answered").empty());
  EXPECT_EQ(read_json_line(line_of(50), model::Source::turn).size(), 1u);
}

}  // namespace
}  // namespace crypelab::services::json_line_test
