#include "harness/wire/measure_json.h"

#include <gtest/gtest.h>

namespace crypelab::wire::measure_json_test {
namespace {

using namespace measure;
using namespace std::chrono_literals;

const Endpoint kFour = *parse_endpoint("198.51.100.90:3478");
const Endpoint kSix = *parse_endpoint("[2001:db8:100::90]:3479");

TEST(measure_json, every_question_survives_the_way_there_and_back) {
  const std::vector<Question> questions{
      {"1", 500ms, parse_address("10.0.0.2").operator*(), {}, Reach{Transport::tcp, kFour, "00112233445566778899aabb"}},
      {"2", 1s, {}, {"1"}, Passage{Transport::tcp, kSix, {1}, 2s, 3ms, 4ms}},
      {"3", 1s, {}, {"1", "2"}, Mapping{Transport::tcp, kFour, kSix}},
      {"4", 1s, {}, {}, Filtering{kFour, kSix}},
      {"5", 1s, {}, {}, Hairpin{kSix}},
      {"6", 3min, {}, {}, Lifetime{kFour, 100s, 7}},
      {"7", 1s, {}, {}, Train{kFour, 11, 22, 33us}},
      {"8", 1s, {}, {}, Rate{Transport::tcp, Way::down, kSix, {44}, 55ms}},
      {"9", 1s, {}, {}, PathMtu{Way::down, kFour, 1280}},
      {"10", 1s, {}, {}, Resolve{"turn.crype.test", RecordType::aaaa, kFour}},
      {"11", 1s, {}, {}, Resolve{"turn.crype.test", RecordType::a, {}}},
      {"12", 1s, {}, {}, Reach{Transport::tcp, kFour, "00112233445566778899aabb", Opening::tls, "a.test", {"h2"}}},
      {"13", 1s, {}, {}, Challenge{kFour, "a.test:443"}}};
  const auto text = encode_job(questions);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto back = decode_job(text);
  ASSERT_TRUE(back) << back.complaint();
  EXPECT_EQ(*back, questions);
}

TEST(measure_json, every_finding_survives_the_way_there_and_back) {
  const Counted counted{10, 8, {3, 7}, 1, 2, 4ms};
  const std::vector<Finding> findings{
      Reached{Outcome::admin_prohibited, kFour, kSix, Address::v4(7)},
      Passed{{5}, 6ms, true, Outcome::answered},
      Mapped{kFour, kFour, true, Dependence::address, PortChoice::sequential},
      Mapped{},
      Filtered{true, Dependence::address_and_port},
      Hairpinned{true, kFour},
      Lived{true, 3s, 4s},
      Trained{true, counted, {}, 1ms, 2ms, 3ms},
      Rated{true, {1}, {2}, 3, 4},
      PathMtuFound{1400, true, 1300},
      Resolved{DnsOutcome::addresses, {Address::v4(1), kSix.address}, parse_prefix("64:ff9b::/96").operator*()},
      Challenged{Outcome::answered, 407, {"basic", "digest"}}};
  for (const auto& finding : findings) {
    const Answer answer{"x", 17us, finding};
    const auto back = decode_answer(encode_answer(answer));
    ASSERT_TRUE(back) << back.complaint();
    EXPECT_EQ(*back, answer);
  }
}

TEST(measure_json, every_word_is_its_own) {
  for (const auto& outcome : words<Outcome>()) EXPECT_EQ(word(outcome.first), outcome.second);
  EXPECT_EQ(words<Outcome>().size(), static_cast<std::size_t>(Outcome::silent) + 1);
  EXPECT_EQ(words<DnsOutcome>().size(), static_cast<std::size_t>(DnsOutcome::silent) + 1);
}

std::string complaint(const char* text) {
  const auto job = decode_job(text);
  return job ? "" : job.complaint();
}

TEST(measure_json, a_wrong_job_is_a_complaint_that_names_the_place) {
  const auto question = [](const std::string& rest) { return R"({"questions":[{"id":"a",)" + rest + "}]}"; };
  EXPECT_NE(complaint("[1"), "");
  EXPECT_NE(complaint("{}"), "");
  EXPECT_NE(complaint(R"({"questions":[],"more":1})"), "");
  EXPECT_NE(complaint(question(R"("reach":{"to":"nowhere"})").c_str()).find("'reach' 'to'"), std::string::npos);
  EXPECT_NE(complaint(question(R"("reach":{"transport":"sctp"})").c_str()).find("sctp"), std::string::npos);
  EXPECT_NE(complaint(question(R"("reach":{"port":1})").c_str()).find("not known"), std::string::npos);
  EXPECT_NE(complaint(question(R"("reach":{},"train":{})").c_str()), "");
  EXPECT_NE(complaint(question(R"("wonder":{})").c_str()), "");
  EXPECT_NE(complaint(question(R"("deadline":-1,"reach":{})").c_str()), "");
  EXPECT_NE(complaint(question(R"("deadline":1e99,"reach":{})").c_str()), "");
  EXPECT_NE(complaint(question(R"("after":["b"],"reach":{})").c_str()).find("'b'"), std::string::npos);
  EXPECT_NE(complaint(R"({"questions":[{"id":"a","reach":{}},{"id":"a","reach":{}}]})").find("twice"),
            std::string::npos);
  EXPECT_NE(complaint((std::string(max_job_size, ' ') + "{}").c_str()).find("1 MiB"), std::string::npos);
  EXPECT_NE(complaint((std::string(100, '[') + std::string(100, ']')).c_str()), "");
}

TEST(measure_json, conclude_names_some_or_all) {
  EXPECT_EQ(*decode_conclude(encode_conclude({"a", "b"})), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(decode_conclude(encode_conclude({}))->empty());
  EXPECT_FALSE(decode_conclude("{}"));
}

}  // namespace
}  // namespace crypelab::wire::measure_json_test
