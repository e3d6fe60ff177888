#include "harness/base/error.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/evidence/attempt_writer.h"
#include "harness/evidence/evidence_json.h"
#include "harness/evidence/packet_file.h"
#include "harness/wire/pcapng.h"
#include "temporary_folder.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace crypelab::evidence::attempt_test {
namespace {

using namespace std::chrono_literals;

constexpr auto kZero = std::chrono::nanoseconds(1'800'000'000'123'456'789);

Attempt sample() {
  Attempt attempt;
  attempt.program = "crypelab 0.1.0";
  attempt.scenario = "s33-basic/wrong";
  attempt.scenario_file = kScenarioFile;
  attempt.number = 2;
  attempt.seed = 18'446'744'073'709'551'615U;
  attempt.started = "2026-11-22T12:39:00Z";
  attempt.captured = true;
  attempt.parties = {{"alice",
                      "crypelab-client",
                      "reference",
                      "1",
                      {"turn-tcp"},
                      {*parse_address("10.0.0.1"), *parse_address("2001:db8::1")},
                      "f3a9",
                      true},
                     {"bob", "./other", "", "", {}, {*parse_address("10.0.1.1")}, "71bc", false}};
  attempt.interfaces = {{"office.border", Interface::Kind::border, "office.edge", "office"},
                        {"alice.eth0", Interface::Kind::lan, "alice", "office"},
                        {"turn-a.eth0", Interface::Kind::server, "turn-a", ""}};
  attempt.events = {
      {-1ns, model::Source::lab, "alice", "job", {{"task", std::string("call")}}},
      {0ns,
       model::Source::client,
       "alice",
       "hello",
       {{"t", 1.5}, {"whole", 2.0}, {"n", std::int64_t{-7}}, {"yes", true}}},
      {1h + 1ns, model::Source::proxy, "office.proxy", "connect", {{"target", std::string("a\nb\"c,[]")}}}};
  attempt.packets_lost = 3;
  attempt.casualties = {"turn-a ended: exit status 1"};
  attempt.complete = true;
  return attempt;
}

std::string written(const Attempt& attempt, const Redaction& redaction = Redaction(std::vector<Secret>{})) {
  std::string text;
  encode(attempt, redaction, [&](std::string_view piece) { text += piece; });
  return text;
}

std::string complaint(const std::string& text) {
  try {
    decode(text, "evidence.json");
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.exit(), Exit::data);
    return failure.what();
  }
  return "none";
}

std::string replaced(std::string text, const std::string& old, const std::string& fresh) {
  const auto at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), fresh);
}

TEST(Attempt, what_was_written_is_read) {
  const auto attempt = sample();
  const auto read = decode(written(attempt), "evidence.json");
  EXPECT_EQ(read.program, attempt.program);
  EXPECT_EQ(read.scenario, attempt.scenario);
  EXPECT_EQ(read.number, attempt.number);
  EXPECT_EQ(read.seed, attempt.seed);
  EXPECT_EQ(read.started, attempt.started);
  EXPECT_EQ(read.captured, attempt.captured);
  EXPECT_EQ(read.parties, attempt.parties);
  EXPECT_EQ(read.interfaces, attempt.interfaces);
  EXPECT_EQ(read.events, attempt.events);
  EXPECT_EQ(read.packets_lost, attempt.packets_lost);
  EXPECT_EQ(read.casualties, attempt.casualties);
  EXPECT_EQ(read.complete, attempt.complete);
  EXPECT_EQ(written(read), written(attempt));
}

TEST(Attempt, each_event_has_a_line_of_its_own) {
  const auto text = written(sample());
  EXPECT_NE(text.find("\n{\"at\":3600.000000001,\"source\":\"proxy\",\"where\":\"office.proxy\",\"kind\":\"connect\","),
            std::string::npos)
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
}

TEST(Attempt, no_secret_is_written_in_names_or_values_and_bytes_that_are_no_utf_8_do_not_break_the_file) {
  auto attempt = sample();
  attempt.events.push_back(
      {2h, model::Source::client, "alice", "wonderland", {{"wonderland", std::string("wonderland\xff")}}});
  attempt.parties[1].version = "wonderland";
  const auto text = written(attempt, Redaction(std::vector<Secret>{{"proxy", "wonderland"}}));
  EXPECT_EQ(text.find("wonderland"), std::string::npos);
  const auto read = decode(text, "evidence.json");
  EXPECT_EQ(model::text_field(read.events.back(), "[secret:proxy]"), "[secret:proxy]\xef\xbf\xbd");
}

TEST(Attempt, evidence_of_a_newer_version_is_refused_by_its_version) {
  const auto newer = replaced(written(sample()), "{\"crypelab-evidence\":1,", "{\"crypelab-evidence\":2,\"new\":0,");
  EXPECT_EQ(complaint(newer),
            "evidence.json:1: evidence of version 2, written by a newer crypelab; this one reads version 1");
}

TEST(Attempt, damage_is_named_with_its_line) {
  const auto text = written(sample());
  EXPECT_EQ(complaint(""), "evidence.json:1: cut off here");
  EXPECT_EQ(complaint("{}\n"), "evidence.json:1: this is no evidence of crypelab");
  EXPECT_EQ(complaint(text.substr(0, text.size() - 1)), "evidence.json:5: cut off here");
  EXPECT_EQ(complaint(replaced(text, "\"source\":\"proxy\"", "\"source\":\"rumour\"")),
            "evidence.json:4: damaged: 'source' cannot be 'rumour'");
  EXPECT_EQ(complaint(replaced(text, "{\"t\":", "{\"t\";")).substr(0, 25), "evidence.json:3: damaged:");
  EXPECT_EQ(complaint(replaced(text, "\"at\":3600", "\"at\":-3600")),
            "evidence.json:4: damaged: earlier than the event before it");
  EXPECT_EQ(complaint(replaced(text, "\"packets-lost\":3", "\"packets-lost\":-3")),
            "evidence.json:5: damaged: 'packets-lost' is no count");
  EXPECT_EQ(complaint(replaced(text, "10.0.0.1", "10.0.0.x")).substr(0, 25), "evidence.json:1: damaged:");
  EXPECT_EQ(complaint(text + "{}\n"), "evidence.json:6: damaged: something follows the end");
}

class Captures : public testing::Test {
 protected:
  Captures() {
    put(folder.path() / kEvidenceFile, written(sample()));
    wire::write_block(bytes, wire::PcapngSection{.comment = clock_comment(kZero)});
    for (const auto& interface : sample().interfaces) wire::write_block(bytes, wire::PcapngInterface{interface.name});
    wire::write_block(bytes, wire::PcapngSecrets{"CLIENT_RANDOM 00 11\n"});
    add(1, -5ms, "before the lab was up", wire::PcapngDirection::outbound);
    add(0, 1500ms, "to the internet", wire::PcapngDirection::outbound);
    add(2, 1500ms, "at a server", wire::PcapngDirection::inbound, 9000);
  }
  void add(std::uint32_t interface, std::chrono::nanoseconds at, const std::string& text,
           wire::PcapngDirection direction, std::uint32_t length = 0) {
    wire::write_block(bytes, wire::PcapngPacket{interface, static_cast<std::uint64_t>((kZero + at).count()),
                                                wire::bytes_of(text), length, direction});
  }
  std::string refused(const std::vector<std::uint8_t>& damaged) {
    put(folder.path() / kCaptureFile, std::string(wire::text_of(damaged)));
    try {
      read_attempt(folder.path());
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.exit(), Exit::data);
      return std::string(failure.what()).substr(folder.path().string().size() + 1);
    }
    return "none";
  }

  TemporaryFolder folder;
  std::vector<std::uint8_t> bytes;
};

TEST_F(Captures, packets_point_into_the_file_on_the_labs_clock) {
  put(folder.path() / kCaptureFile, std::string(wire::text_of(bytes)));
  auto attempt = read_attempt(folder.path());
  const auto moved = std::move(attempt);
  ASSERT_EQ(moved.packets.size(), 3U);
  EXPECT_EQ(moved.packets[0].at, -5ms);
  EXPECT_EQ(moved.packets[0].interface, 1U);
  EXPECT_TRUE(moved.packets[0].outgoing);
  EXPECT_EQ(wire::text_of(moved.packets[0].bytes), "before the lab was up");
  EXPECT_EQ(moved.packets[1].at, 1500ms);
  EXPECT_FALSE(moved.packets[2].outgoing);
  EXPECT_EQ(moved.packets[2].length, 9000U);
  EXPECT_EQ(wire::text_of(moved.packets[2].bytes), "at a server");
}

TEST_F(Captures, damage_is_named_with_its_place) {
  EXPECT_EQ(refused({}), "packets.pcapng: at byte 0: no capture of crypelab");
  EXPECT_EQ(refused({bytes.begin(), bytes.end() - 4}).substr(0, 26), "packets.pcapng: at byte 40");
  EXPECT_NE(refused({bytes.begin(), bytes.end() - 4}).find("cut off in this block"), std::string::npos);
  auto broken = bytes;
  broken[4] = 3;
  EXPECT_EQ(refused(broken), "packets.pcapng: at byte 0: a block of impossible length");
  std::filesystem::remove(folder.path() / kCaptureFile);
  EXPECT_THROW(read_attempt(folder.path()), Failure);
}

TEST_F(Captures, packets_are_in_order_of_time_however_they_were_written) {
  add(1, 0ms, "late", wire::PcapngDirection::outbound);
  put(folder.path() / kCaptureFile, std::string(wire::text_of(bytes)));
  const auto attempt = read_attempt(folder.path());
  ASSERT_EQ(attempt.packets.size(), 4U);
  EXPECT_EQ(wire::text_of(attempt.packets[1].bytes), "late");
}

TEST_F(Captures, the_interfaces_must_be_those_of_the_evidence) {
  std::vector<std::uint8_t> other;
  wire::write_block(other, wire::PcapngSection{.comment = clock_comment(kZero)});
  EXPECT_NE(refused(other).find("not the interfaces that the evidence names"), std::string::npos);
  wire::write_block(other, wire::PcapngInterface{"home.border"});
  EXPECT_NE(refused(other).find("the evidence has no such interface: home.border"), std::string::npos);
}

TEST(Attempts, are_found_below_a_folder_in_order_of_their_numbers) {
  const TemporaryFolder folder;
  for (const char* name : {"b/attempt-10", "b/attempt-9", "a/case/attempt-1"})
    put(folder.path() / name / kEvidenceFile, "");
  const auto found = attempts_below(folder.path());
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], folder.path() / "a/case/attempt-1");
  EXPECT_EQ(found[1], folder.path() / "b/attempt-9");
  EXPECT_EQ(found[2], folder.path() / "b/attempt-10");
  EXPECT_EQ(attempts_below(found[1]), std::vector{found[1]});
  EXPECT_THROW(attempts_below(folder.path() / "c"), Failure);
}

}  // namespace
}  // namespace crypelab::evidence::attempt_test
