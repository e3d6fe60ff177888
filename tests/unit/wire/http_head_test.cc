#include "harness/wire/http_head.h"

#include <gtest/gtest.h>

namespace crypelab::wire::http_head_test {
namespace {

template <class Parser>
Parser parsed(std::string_view text, HttpLimits limits = {}) {
  Parser parser(limits);
  parser.feed(bytes_of(text));
  return parser;
}

constexpr std::string_view connect =
    "CONNECT turns.crype.test:443 HTTP/1.1\r\nHost: turns.crype.test:443\r\nALPN: stun.turn\r\n"
    "Proxy-Authorization:Basic YWxpY2U6d29uZGVybGFuZA== \r\n\r\n";

TEST(HttpHead, a_request_is_read_and_the_bytes_behind_it_are_left) {
  HttpRequestParser parser;
  const std::string text = std::string(connect) + "\x16\x03\x01";
  EXPECT_EQ(parser.feed(bytes_of(text)), connect.size());
  ASSERT_EQ(parser.state(), HttpState::head) << parser.reason();
  EXPECT_EQ(parser.head().method, "CONNECT");
  EXPECT_EQ(parser.head().target, "turns.crype.test:443");
  EXPECT_EQ(parser.head().minor_version, 1u);
  EXPECT_EQ(parser.head().fields.find("proxy-authorization"), "Basic YWxpY2U6d29uZGVybGFuZA==");
  EXPECT_EQ(parser.head().fields.find("alpn"), "stun.turn");
  EXPECT_FALSE(parser.head().fields.find("cookie"));
  EXPECT_EQ(parser.feed(bytes_of("more")), 0u);
}

TEST(HttpHead, every_segmentation_gives_the_same_head) {
  for (std::size_t split = 1; split < connect.size(); ++split) {
    HttpRequestParser parser;
    EXPECT_EQ(parser.feed(bytes_of(connect.substr(0, split))), split);
    ASSERT_EQ(parser.state(), HttpState::more) << split;
    parser.feed(bytes_of(connect.substr(split)));
    ASSERT_EQ(parser.state(), HttpState::head) << split << parser.reason();
    ASSERT_EQ(parser.head().fields.size(), 3u);
  }
}

TEST(HttpHead, odd_but_legal_responses_are_read) {
  auto parser = parsed<HttpResponseParser>("\r\nHTTP/1.0 299\nX: a\r\n\t b  \n c\r\n\r\n");
  ASSERT_EQ(parser.state(), HttpState::head) << parser.reason();
  EXPECT_EQ(parser.head().status, 299u);
  EXPECT_EQ(parser.head().reason, "");
  EXPECT_EQ(parser.head().minor_version, 0u);
  EXPECT_EQ(parser.head().fields.find("x"), "a b c");

  parser = parsed<HttpResponseParser>(
      "HTTP/1.1 407 Proxy Authentication  Required\r\nproxy-AUTHENTICATE: NTLM\r\n"
      "Proxy-Authenticate: Basic realm=x\r\nConnection: keep-alive, Close\r\nEmpty:\r\n\r\n");
  ASSERT_EQ(parser.state(), HttpState::head) << parser.reason();
  EXPECT_EQ(parser.head().status, 407u);
  EXPECT_EQ(parser.head().reason, "Proxy Authentication  Required");
  EXPECT_EQ(parser.head().fields.all("Proxy-Authenticate"), (std::vector<std::string_view>{"NTLM", "Basic realm=x"}));
  EXPECT_TRUE(parser.head().fields.lists("connection", "close"));
  EXPECT_FALSE(parser.head().fields.lists("connection", "clos"));
  EXPECT_EQ(parser.head().fields.find("empty"), "");
}

TEST(HttpHead, what_is_not_http_is_told_in_its_first_bytes) {
  const std::pair<std::string_view, std::size_t> cases[] = {{"\x16\x03\x01", 1}, {"SSH-2.0", 1}, {"HTTP/2", 6}};
  for (const auto& [text, size] : cases) {
    HttpResponseParser parser;
    EXPECT_EQ(parser.feed(bytes_of(text)), size) << text;
    EXPECT_EQ(parser.state(), HttpState::bad);
  }
  EXPECT_EQ(HttpRequestParser().feed(bytes_of("GE\x16T / HTTP/1.1")), 3u);
  EXPECT_EQ(HttpRequestParser().feed(bytes_of(" GET")), 1u);
  EXPECT_EQ(HttpRequestParser().feed(bytes_of("(GET")), 1u);
  EXPECT_EQ(HttpRequestParser().feed(bytes_of(std::string(100, 'A'))), 33u);
}

TEST(HttpHead, malformed_heads_are_refused) {
  for (const std::string_view text :
       {"GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / x HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\n A: b\r\n\r\n", "GET / HTTP/1.1\r\nA\r\n\r\n",
        "GET / HTTP/1.1\r\n: b\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n"}) {
    EXPECT_EQ(parsed<HttpRequestParser>(text).state(), HttpState::bad) << text;
  }
  for (const std::string_view text :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n"}) {
    EXPECT_EQ(parsed<HttpResponseParser>(text).state(), HttpState::bad) << text;
  }
}

TEST(HttpHead, the_limits_hold) {
  EXPECT_EQ(parsed<HttpRequestParser>("GET / HTTP/1.1\r\nA: b\r\n\r\n", {24, 1}).state(), HttpState::head);
  EXPECT_EQ(parsed<HttpRequestParser>("GET / HTTP/1.1\r\nA: bb\r\n\r\n", {24, 1}).state(), HttpState::too_large);
  EXPECT_EQ(parsed<HttpRequestParser>("GET / HTTP/1.1\r\nA: b\r\nB: c\r\n\r\n", {1000, 1}).state(),
            HttpState::too_large);
  HttpRequestParser parser;
  std::size_t used = 0;
  parser.feed(bytes_of("GET /"));
  for (std::size_t n = 1; n != 0; used += n) n = parser.feed(bytes_of("xxxxxxxxxx"));
  EXPECT_LE(used, 16'384u);
  EXPECT_EQ(parser.state(), HttpState::too_large);
}

TEST(HttpHead, what_is_written_reads_back_and_cannot_break_out_of_its_line) {
  HttpRequestHead request{"CONNECT", "a.test:443", 1, {}};
  request.fields.add("Host", "a.test:443");
  request.fields.add("X", "one\r\nInjected: two");
  const auto parser = parsed<HttpRequestParser>(to_text(request));
  ASSERT_EQ(parser.state(), HttpState::head) << parser.reason();
  EXPECT_EQ(parser.head().fields.size(), 2u);
  EXPECT_EQ(parser.head().fields.find("x"), "one  Injected: two");

  HttpResponseHead response{407, "Proxy Authentication Required", 1, {}};
  response.fields.add("Connection", "close");
  EXPECT_EQ(to_text(response), "HTTP/1.1 407 Proxy Authentication Required\r\nConnection: close\r\n\r\n");
}

TEST(HttpAuthority, is_host_and_port_and_nothing_else) {
  EXPECT_EQ(*parse_authority("turns.crype.test:443"), (HttpAuthority{"turns.crype.test", 443}));
  EXPECT_EQ(*parse_authority("192.0.2.1:3478"), (HttpAuthority{"192.0.2.1", 3478}));
  EXPECT_EQ(*parse_authority("[2001:db8::1]:5349"), (HttpAuthority{"2001:db8::1", 5349}));
  for (const char* bad :
       {"a.test", "a.test:", ":443", "a.test:0", "a.test:65536", "a.test:+1", "a.test:443/", "user@a.test:443",
        "2001:db8::1:443", "[2001:db8::1:443", "[192.0.2.1]:443", "[]:443", "https://a.test:443", "a b:1"}) {
    EXPECT_FALSE(parse_authority(bad)) << bad;
  }
}

}  // namespace
}  // namespace crypelab::wire::http_head_test
