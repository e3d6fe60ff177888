#include "harness/faults/inner_bytes.h"

#include "harness/faults/intercept_settings.h"

#include <string>

#include <gtest/gtest.h>

namespace crypelab::faults::inner_bytes_test {
namespace {

using State = InnerBytes::State;

TEST(InnerBytes, an_http_request_is_known_by_its_whole_head_in_any_segmentation) {
  const std::string request = "GET /v1/rooms/r1 HTTP/1.1\r\nHost: signal.crype.test\r\n\r\n";
  InnerBytes inner;
  for (std::size_t i = 0; i + 1 < request.size(); ++i) ASSERT_EQ(inner.feed(request.substr(i, 1)), State::more) << i;
  EXPECT_EQ(inner.feed("\n"), State::http);
  EXPECT_EQ(inner.kind(), "http");
  EXPECT_EQ(InnerBytes().feed(request + "more"), State::http);
}

TEST(InnerBytes, http_2_is_known_by_its_preface) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  InnerBytes inner;
  for (std::size_t i = 0; i + 1 < preface.size(); ++i) ASSERT_EQ(inner.feed(preface.substr(i, 1)), State::more) << i;
  EXPECT_EQ(inner.feed("\n"), State::http);
  EXPECT_EQ(InnerBytes().feed("PRI * HTTP/2.0\r\n\r\nSX"), State::other);
}

TEST(InnerBytes, stun_is_neither_and_known_by_its_cookie) {
  InnerBytes inner;
  EXPECT_EQ(inner.feed(std::string("\x00\x03\x00\x24\x21\x12\xa4\x42", 8)), State::other);
  EXPECT_EQ(inner.kind(), "stun");
  InnerBytes ssh;
  EXPECT_EQ(ssh.feed("SSH-2.0-OpenSSH\r\n"), State::other);
  EXPECT_EQ(ssh.kind(), "other");
  InnerBytes channel;
  EXPECT_EQ(channel.feed(std::string("\x40\x00\x00\x24\x21\x12\xa4\x42", 8)), State::other);
  EXPECT_EQ(channel.kind(), "other");
}

TEST(InterceptSettings, names_are_exempt_as_they_are_or_with_all_below_them) {
  const auto settings = parse_intercept(
      R"({"listen":["10.0.0.1:3140"],"certificate":"a","key":"b","exempt":["turns.crype.test","*.example.com"]})");
  EXPECT_FALSE(settings.http_only);
  EXPECT_TRUE(is_exempt(settings, "TURNS.crype.test."));
  EXPECT_TRUE(is_exempt(settings, "a.b.example.com"));
  EXPECT_FALSE(is_exempt(settings, "example.com"));
  EXPECT_FALSE(is_exempt(settings, "notexample.com"));
  EXPECT_FALSE(is_exempt(settings, ""));
}

}  // namespace
}  // namespace crypelab::faults::inner_bytes_test
