#include "harness/wire/http_auth.h"

#include "harness/wire/alpn_header.h"
#include "harness/wire/base64.h"

#include <gtest/gtest.h>

namespace crypelab::wire::http_auth_test {
namespace {

std::vector<std::string> schemes(const std::vector<HttpAuth>& challenges) {
  std::vector<std::string> names;
  for (const auto& challenge : challenges) names.push_back(challenge.scheme);
  return names;
}

TEST(HttpAuth, several_challenges_in_one_field_are_told_apart) {
  // RFC 9110 §11.6.1.
  const auto rfc =
      parse_challenges("Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"");
  ASSERT_TRUE(rfc) << rfc.complaint();
  ASSERT_EQ(schemes(*rfc), (std::vector<std::string>{"Basic", "Newauth"}));
  EXPECT_EQ((*rfc)[0].find("realm"), "simple");
  EXPECT_EQ((*rfc)[0].parameters.size(), 1u);
  EXPECT_EQ((*rfc)[1].find("TYPE"), "1");
  EXPECT_EQ((*rfc)[1].find("title"), "Login to \"apps\"");

  const auto odd =
      parse_challenges(" , Foo, NEGOTIATE,basic Realm = \"a, b\" ,charset=\"UTF-8\", NTLM TlRMTVNTUAACAAAA==,, Bar");
  ASSERT_TRUE(odd) << odd.complaint();
  ASSERT_EQ(schemes(*odd), (std::vector<std::string>{"Foo", "NEGOTIATE", "basic", "NTLM", "Bar"}));
  EXPECT_TRUE((*odd)[1].is("Negotiate"));
  EXPECT_EQ((*odd)[2].find("realm"), "a, b");
  EXPECT_EQ((*odd)[2].find("charset"), "UTF-8");
  EXPECT_EQ((*odd)[3].token68, "TlRMTVNTUAACAAAA==");
  EXPECT_TRUE((*odd)[3].parameters.empty());
}

TEST(HttpAuth, challenges_of_many_fields_are_joined_and_a_malformed_field_does_not_hide_the_others) {
  HttpFields fields;
  fields.add("Proxy-Authenticate", "Negotiate");
  fields.add("Proxy-Authenticate", "Digest realm=\"unclosed");
  fields.add("proxy-authenticate", "NTLM, Basic realm=\"x\"");
  EXPECT_EQ(schemes(challenges_of(fields, "Proxy-Authenticate")),
            (std::vector<std::string>{"Negotiate", "NTLM", "Basic"}));
}

TEST(HttpAuth, malformed_fields_are_refused) {
  for (const char* bad : {"", " , ", "Basic a=b, realm=", "Basic realm=\"a", "Basic realm=\"a\\", "Basic realm=\"a\" b",
                          "=x", "Basic (x)", "Digest nonce=a, nonce=b", "Basic realm=\"a\"realm2=b", "Basic a b"}) {
    EXPECT_FALSE(parse_challenges(bad)) << bad;
  }
  EXPECT_FALSE(parse_credentials("Basic YTpi, Basic YTpi"));
}

TEST(HttpAuth, basic_is_as_rfc_7617_has_it) {
  EXPECT_EQ(*basic_credentials({"Aladdin", "open sesame"}), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(*basic_credentials({"test", "123\u00A3"}), "Basic dGVzdDoxMjPCow==");
  const auto credentials = parse_credentials("bAsIc dGVzdDoxMjPCow==");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(*parse_basic(*credentials), (BasicCredentials{"test", "123\u00A3"}));
  EXPECT_FALSE(basic_credentials({"a:b", "c"}));
  EXPECT_FALSE(basic_credentials({"a", "line\nbreak"}));
  EXPECT_EQ(parse_basic(*parse_credentials("Basic " + to_base64(bytes_of("u:p:q"))))->password, "p:q");
  EXPECT_FALSE(parse_basic(*parse_credentials("Basic " + to_base64(bytes_of("no colon")))));
  EXPECT_FALSE(parse_basic(*parse_credentials("Basic " + to_base64(bytes_of("a:\x01")))));
  EXPECT_FALSE(parse_credentials("Basic dGVz*"));
  EXPECT_FALSE(parse_basic(*parse_credentials("Bearer dGVzdDoxMjPCow==")));
}

TEST(HttpAuth, quoted_strings_hold_anything_but_controls) {
  EXPECT_EQ(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(quoted("a\r\nb"), "\"a  b\"");
}

TEST(Base64, reads_back_and_is_strict) {
  // RFC 4648 §10.
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(bytes_of(plain)), encoded);
    const auto bytes = from_base64(encoded);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(text_of(*bytes), plain);
  }
  for (const char* bad : {"Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9"})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(AlpnHeader, encodes_what_is_no_token_and_nothing_else) {
  // RFC 7639 §2.3.
  const std::vector<std::string> two{"h2", "http/1.1"};
  EXPECT_EQ(alpn_header(two), "h2, http%2F1.1");
  EXPECT_EQ(alpn_header(std::vector<std::string>{"stun.turn"}), "stun.turn");
  EXPECT_EQ(alpn_header(std::vector<std::string>{"w=x:y#z"}), "w%3Dx%3Ay#z");
  EXPECT_EQ(alpn_header(std::vector<std::string>{"x%y"}), "x%25y");
  EXPECT_EQ(*parse_alpn_header("h2, http%2F1.1"), two);
  EXPECT_EQ(*parse_alpn_header(",x%25y ,"), std::vector<std::string>{"x%y"});
  for (const char* bad : {"", "http/1.1", "http%2f1.1", "%68%32", "h2%", "h2%2", "h2 h3"})
    EXPECT_FALSE(parse_alpn_header(bad)) << bad;
}

}  // namespace
}  // namespace crypelab::wire::http_auth_test
