#include "harness/lab/client_talk.h"

#include <gtest/gtest.h>

namespace crypelab::lab::client_talk_test {
namespace {

using namespace std::chrono_literals;
using model::Value;

std::vector<model::Event> said(const std::string& text) {
  ClientTalk talk("alice");
  talk.take(text, 5ms);
  talk.end(6ms);
  return talk.events();
}

std::vector<std::string> kinds(const std::vector<model::Event>& events) {
  std::vector<std::string> all;
  for (const auto& event : events) all.push_back(event.kind);
  return all;
}

TEST(ClientTalk, a_line_is_an_event_stamped_on_arrival_with_its_members_by_their_paths) {
  const auto events =
      said(R"({"event":"selected","t":12,"local":{"type":"relay","ok":true},"urls":["a",{"b":1.5}],"none":null})"
           "\n");
  ASSERT_EQ(events.size(), 1U);
  const model::Event expected{5ms,
                              model::Source::client,
                              "alice",
                              "selected",
                              {{"t", std::int64_t{12}},
                               {"local.type", std::string("relay")},
                               {"local.ok", true},
                               {"urls.0", std::string("a")},
                               {"urls.1.b", 1.5}}};
  EXPECT_EQ(events[0], expected);
}

TEST(ClientTalk, lines_may_come_in_pieces_and_the_last_one_without_its_end) {
  ClientTalk talk("alice");
  for (const char c : std::string("{\"event\":\"a\"}\r\n\n{\"event\":\"b\"}")) talk.take({&c, 1}, 1ms);
  EXPECT_EQ(kinds(talk.events()), std::vector<std::string>{"a"});
  talk.end(2ms);
  EXPECT_EQ(kinds(talk.events()), std::vector<std::string>{"b"});
}

TEST(ClientTalk, what_is_no_event_is_a_finding_and_the_rest_goes_on) {
  const auto events = said("hello\n[1]\n{\"t\":1}\n{\"event\":7}\n{\"event\":\"fine\"}\n");
  EXPECT_EQ(kinds(events),
            (std::vector<std::string>{"client-garbage", "client-garbage", "client-garbage", "client-garbage", "fine"}));
  EXPECT_EQ(events[0].source, model::Source::lab);
  EXPECT_EQ(text_field(events[0], "line"), "hello");
  EXPECT_EQ(text_field(events[1], "why"), "not a JSON object");
  EXPECT_EQ(text_field(events[2], "why"), "it has no \"event\"");
}

TEST(ClientTalk, a_nest_deeper_than_anything_sensible_is_garbage) {
  EXPECT_EQ(kinds(said(std::string(60'000, '[') + "\n")), std::vector<std::string>{"client-garbage"});
}

TEST(ClientTalk, a_line_that_is_too_long_is_a_finding_with_its_length) {
  const std::string most = R"({"event":"x","pad":")" + std::string(ClientTalk::kLongestLine - 22, 'p') + "\"}";
  ASSERT_EQ(most.size(), ClientTalk::kLongestLine);
  EXPECT_EQ(kinds(said(most + "\n")), std::vector<std::string>{"x"});
  const auto events = said(most + " \n{\"event\":\"fine\"}\n");
  EXPECT_EQ(kinds(events), (std::vector<std::string>{"client-long-line", "fine"}));
  EXPECT_EQ(*find_field(events[0], "bytes"), Value(static_cast<std::int64_t>(most.size() + 1)));
  EXPECT_EQ(kinds(said(most + most)), std::vector<std::string>{"client-long-line"});
}

TEST(ClientTalk, more_than_a_thousand_lines_in_a_second_are_left_out_and_counted) {
  ClientTalk talk("alice");
  for (int i = 0; i < 1000; ++i) talk.take("{\"event\":\"x\"}\n", 1s);
  EXPECT_FALSE(talk.deaf_until());
  for (int i = 0; i < 3; ++i) talk.take("{\"event\":\"y\"}\n", 1500ms);
  EXPECT_EQ(talk.deaf_until(), 2s);
  talk.take("{\"event\":\"z\"}\n", 2s);
  EXPECT_FALSE(talk.deaf_until());
  talk.end(3s);
  auto events = talk.events();
  ASSERT_EQ(events.size(), 1002U);
  EXPECT_EQ(events[1000].kind, "client-flood");
  EXPECT_EQ(events[1000].at, 1s);
  EXPECT_EQ(*find_field(events[1000], "lines"), Value(std::int64_t{3}));
  EXPECT_EQ(events[1001].kind, "z");
}

TEST(ClientTalk, who_writes_megabytes_without_a_line_is_not_listened_to_all_the_time) {
  ClientTalk talk("alice");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 5; ++i) talk.take(piece, 1s);
  EXPECT_EQ(talk.deaf_until(), 2s);
}

TEST(ClientTalk, memory_is_bounded_however_long_it_talks) {
  ClientTalk talk("alice");
  const std::string line = R"({"event":"x","pad":")" + std::string(60'000, 'p') + "\"}\n";
  std::size_t kept = 0;
  bool flood = false;
  for (int i = 0; i < 1000; ++i) {
    talk.take(line, std::chrono::seconds(i));
    for (const auto& event : talk.events()) {
      kept += event.kind == "x" ? line.size() : 0;
      flood = flood || event.kind == "client-flood";
    }
  }
  EXPECT_LE(kept, ClientTalk::kMostBytes);
  EXPECT_TRUE(flood);
  EXPECT_LE(said([] {
              std::string text;
              for (int i = 0; i < 900; ++i) text += "garbage\n";
              return text;
            }())
                .size(),
            ClientTalk::kMostFindings + 1);
}

}  // namespace
}  // namespace crypelab::lab::client_talk_test
