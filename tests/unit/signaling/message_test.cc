#include "clients/signaling/message.h"

#include <gtest/gtest.h>

namespace crypelab::signaling::message_test {
namespace {

std::string code_of(std::string_view text) {
  Message message;
  const auto refusal = read_message(text, message);
  return refusal ? refusal->code : "";
}

TEST(SignalingMessage, every_type_is_read_with_its_fields) {
  Message message;
  ASSERT_FALSE(read_message(R"({"type":"offer","from":"alice","seq":1,"sdp":"v=0\r\n"})", message));
  EXPECT_EQ(message.type, Type::offer);
  EXPECT_EQ(message.seq, 1U);
  EXPECT_EQ(message.from, "alice");
  EXPECT_EQ(message.sdp, "v=0\r\n");
  ASSERT_FALSE(
      read_message(R"( {"seq":9007199254740991,"candidate":"candidate:1","sdpMid":"","type":"candidate"} )", message));
  EXPECT_EQ(message.type, Type::candidate);
  EXPECT_EQ(message.seq, largest_seq);
  EXPECT_EQ(message.candidate, "candidate:1");
  EXPECT_EQ(message.sdp_mid, "");
  EXPECT_FALSE(message.sdp) << "a field of the message before";
  EXPECT_EQ(code_of(R"({"type":"answer","seq":2,"sdp":"x"})"), "");
  EXPECT_EQ(code_of(R"({"type":"end-of-candidates","seq":3})"), "");
  EXPECT_EQ(code_of(R"({"type":"end-of-candidates","seq":3,"sdpMid":"0"})"), "");
  EXPECT_EQ(code_of(R"({"type":"bye","seq":4})"), "");
  EXPECT_EQ(code_of(R"({"type":"bye","seq":4,"code":"done"})"), "");
  EXPECT_EQ(code_of(R"({"type":"error","seq":5,"code":"ICE_NO_PATH"})"), "");
  EXPECT_EQ(code_of(R"({"type":"ping"})"), "");
  EXPECT_EQ(code_of(R"({"type":"pong","from":"alice"})"), "");
}

TEST(SignalingMessage, what_is_wrong_is_said_by_field) {
  EXPECT_EQ(code_of(R"({"type":"offer","seq":1})"), "missing-field:sdp");
  EXPECT_EQ(code_of(R"({"type":"offer","sdp":"x"})"), "missing-field:seq");
  EXPECT_EQ(code_of(R"({"seq":1,"sdp":"x"})"), "missing-field:type");
  EXPECT_EQ(code_of(R"({"type":"offer","seq":1,"sdp":""})"), "wrong-value:sdp");
  EXPECT_EQ(code_of(R"({"type":"candidate","seq":1,"candidate":""})"), "wrong-value:candidate");
  EXPECT_EQ(code_of(R"({"type":"error","seq":1,"code":""})"), "wrong-value:code");
  EXPECT_EQ(code_of(R"({"type":"offer","seq":1,"sdp":"x","candidate":"y"})"), "field-not-allowed:candidate");
  EXPECT_EQ(code_of(R"({"type":"ping","seq":1})"), "field-not-allowed:seq");
  EXPECT_EQ(code_of(R"({"type":"offer","seq":1,"sdp":"x","sdpMLineIndex":0})"), "unknown-field:sdpMLineIndex");
  EXPECT_EQ(code_of(R"({"type":"offer","seq":1,"sdp":"x","a\"b":0})"), "unknown-field");
  EXPECT_EQ(code_of("{\"" + std::string(65, 'a') + "\":1}"), "unknown-field");
  EXPECT_EQ(code_of(R"({"type":"offer","seq":1,"seq":2,"sdp":"x"})"), "duplicate-field:seq");
  EXPECT_EQ(code_of(R"({"type":"hello"})"), "unknown-type");
  EXPECT_EQ(code_of(R"({"type":""})"), "unknown-type");
  EXPECT_EQ(code_of("{\"type\":\"" + std::string(100'000, 'a') + "\"}"), "unknown-type");
}

TEST(SignalingMessage, values_of_another_kind_are_refused) {
  EXPECT_EQ(code_of(R"({"type":1})"), "wrong-value:type");
  EXPECT_EQ(code_of(R"({"type":"ping","from":null})"), "wrong-value:from");
  for (const char* seq :
       {"0", "-1", "1.0", "1e3", "9007199254740992", "18446744073709551615", "\"1\"", "true", "null"}) {
    EXPECT_EQ(code_of(std::string(R"({"type":"bye","seq":)") + seq + "}"), "wrong-value:seq") << seq;
  }
  EXPECT_EQ(code_of(R"({"type":"candidate","seq":1,"candidate":{"candidate":"x"}})"), "nested-value");
  EXPECT_EQ(code_of(R"({"type":"candidate","seq":1,"candidate":["x"]})"), "nested-value");
}

TEST(SignalingMessage, what_is_no_json_object_is_refused) {
  for (const char* text : {"", " ", "{", "{}x", "{\"type\":\"ping\"}{", "nonsense", "{\"type\":\"ping\",}",
                           "{'type':'ping'}", "{\"type\":\"pi\nng\"}", "// x\n{}", "{\"type\":\"\\ud800\"}"}) {
    EXPECT_EQ(code_of(text), "not-json") << text;
  }
  EXPECT_EQ(code_of("{\"type\":\"\xff\"}"), "not-json");
  EXPECT_EQ(code_of("{}"), "missing-field:type");
  for (const char* text : {"[]", "[{\"type\":\"ping\"}]", "\"ping\"", "1", "1.5", "true", "null"}) {
    EXPECT_EQ(code_of(text), "not-an-object") << text;
  }
}

TEST(SignalingMessage, a_refusal_names_the_senders_number_when_it_was_read) {
  Message message;
  EXPECT_EQ(read_message(R"({"type":"offer","seq":7})", message)->seq, 7U);
  EXPECT_EQ(read_message(R"({"type":"offer"})", message)->seq, 0U);
}

TEST(SignalingMessage, what_is_forwarded_reads_back_as_the_same_message) {
  Message message;
  const std::string awkward = R"(v=0\r\n\"\\ \u0001\u007f\u00e9\ud83d\ude00 \/)";
  ASSERT_FALSE(read_message(R"({"type":"offer","from":"mallory","seq":1,"sdp":")" + awkward + R"("})", message));
  const std::string text = forwarded(message, "alice", 42);
  Message again;
  ASSERT_FALSE(read_message(text, again)) << text;
  EXPECT_EQ(again.type, Type::offer);
  EXPECT_EQ(again.from, "alice");
  EXPECT_EQ(again.seq, 42U);
  EXPECT_EQ(again.sdp, message.sdp);
  ASSERT_FALSE(read_message(R"({"type":"candidate","seq":1,"candidate":"c","sdpMid":"0"})", message));
  EXPECT_EQ(forwarded(message, "bob", 3), R"({"type":"candidate","from":"bob","seq":3,"candidate":"c","sdpMid":"0"})");
}

TEST(SignalingMessage, the_server_speaks_the_same_grammar) {
  Message message;
  ASSERT_FALSE(read_message(error_text({"too-large", 4}), message));
  EXPECT_EQ(message.type, Type::error);
  EXPECT_EQ(message.code, "too-large");
  EXPECT_EQ(error_text({"not-json", 0}), R"({"type":"error","code":"not-json"})");
  EXPECT_EQ(pong_text(3), R"({"type":"pong","seq":3})");
}

TEST(SignalingMessage, names_are_short_and_plain) {
  EXPECT_TRUE(is_name("room-1.a_B"));
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
  for (const char* text : {"", "a b", "a/b", "a\"", "\xc3\xa9", "a%20"}) EXPECT_FALSE(is_name(text)) << text;
}

}  // namespace
}  // namespace crypelab::signaling::message_test
