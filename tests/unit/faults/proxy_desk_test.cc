#include "harness/faults/proxy_desk.h"

#include "harness/faults/tunnel_fate.h"
#include "harness/wire/http_digest.h"

#include <gtest/gtest.h>

namespace crypelab::faults::proxy_desk_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTarget = "turns.crype.test:443";

ProxySettings office() {
  ProxySettings settings;
  settings.realm = "OFFICE.TEST";
  settings.users = {{"alice", "wonderland"}};
  settings.challenges = {{"Basic", "", ""}};
  return settings;
}

wire::HttpRequestHead connect_request(const std::string& credentials = "") {
  wire::HttpRequestHead head;
  head.method = "CONNECT";
  head.target = kTarget;
  if (!credentials.empty()) head.fields.add("Proxy-Authorization", credentials);
  return head;
}

std::string basic(const std::string& user, const std::string& password) {
  return *wire::basic_credentials({user, password});
}

// What a client reads, to the last byte.
struct Answer {
  wire::HttpResponseHead head;
  std::string body;
};
Answer read(const Decision& decision) {
  wire::HttpResponseParser parser;
  const auto used = parser.feed(wire::bytes_of(decision.text));
  EXPECT_EQ(parser.state(), wire::HttpState::head) << decision.text;
  return {parser.head(), decision.text.substr(used)};
}

// The first Digest challenge that is understood.
wire::DigestChallenge digest_in(const Decision& decision) {
  for (const auto& challenge : wire::challenges_of(read(decision).head.fields, "Proxy-Authenticate")) {
    if (const auto digest = wire::parse_digest_challenge(challenge)) return *digest;
  }
  ADD_FAILURE() << "no Digest in " << decision.text;
  return {};
}

std::string digest_answer(const wire::DigestChallenge& challenge, const std::string& password, std::uint32_t nc = 1) {
  return to_text(wire::answer_digest(challenge, "alice", password, "CONNECT", kTarget, "0a4f113b", nc));
}

TEST(ProxyDesk, everybody_may_pass_where_nobody_is_asked) {
  auto settings = office();
  settings.challenges.clear();
  ProxyDesk desk(settings, "seal");
  const auto decision = desk.decide(connect_request(), "10.0.0.1", 0ms);
  EXPECT_EQ(decision.kind, Decision::Kind::tunnel);
  EXPECT_EQ(decision.target.host, "turns.crype.test");
  EXPECT_EQ(decision.text, "HTTP/1.1 200 Connection established\r\n\r\n");
}

TEST(ProxyDesk, the_right_password_opens_and_every_other_one_asks_again) {
  const auto settings = office();
  ProxyDesk desk(settings, "seal");
  const auto right = desk.decide(connect_request(basic("alice", "wonderland")), "10.0.0.1", 0ms);
  EXPECT_EQ(right.kind, Decision::Kind::tunnel);
  EXPECT_EQ(right.presented.user, "alice");
  const auto wrong = desk.decide(connect_request(basic("alice", "looking-glass")), "10.0.0.1", 0ms);
  EXPECT_EQ(wrong.status, 407U);
  EXPECT_EQ(wrong.presented.verdict, Verdict::wrong);
  const auto stranger = desk.decide(connect_request(basic("mallory", "wonderland")), "10.0.0.1", 0ms);
  EXPECT_EQ(stranger.status, 407U);
  EXPECT_EQ(stranger.presented.user, "") << "what a stranger types may be a password";
}

TEST(ProxyDesk, schemes_stand_letter_for_letter_as_they_were_given) {
  auto settings = office();
  settings.challenges = {{"Foo", "", ""}, {"NEGOTIATE", "", ""}, {"basic", "", ""}};
  for (const bool one : {false, true}) {
    settings.one_field = one;
    ProxyDesk desk(settings, "seal");
    const auto answer = read(desk.decide(connect_request(), "10.0.0.1", 0ms));
    const auto fields = answer.head.fields.all("Proxy-Authenticate");
    EXPECT_EQ(fields.size(), one ? 1U : 3U);
    EXPECT_EQ(fields.front(), one ? "Foo, NEGOTIATE, basic realm=\"OFFICE.TEST\"" : "Foo");
    EXPECT_EQ(desk.decide(connect_request(basic("alice", "wonderland")), "10.0.0.1", 0ms).kind, Decision::Kind::tunnel);
    const auto offered_only = desk.decide(connect_request("Negotiate YII="), "10.0.0.1", 0ms);
    EXPECT_EQ(offered_only.presented.verdict, Verdict::unsupported);
  }
}

TEST(ProxyDesk, digest_is_verified_with_every_algorithm_of_the_rfc) {
  for (const std::string algorithm : {"MD5", "SHA-256", "SHA-512-256"}) {
    auto settings = office();
    settings.challenges = {{"Digest", algorithm, ""}};
    ProxyDesk desk(settings, "seal");
    const auto challenge = digest_in(desk.decide(connect_request(), "10.0.0.1", 0ms));
    EXPECT_EQ(wire::name_of(challenge.algorithm), algorithm);
    const auto right = desk.decide(connect_request(digest_answer(challenge, "wonderland")), "10.0.0.1", 5ms);
    EXPECT_EQ(right.kind, Decision::Kind::tunnel) << algorithm;
    EXPECT_EQ(right.presented.algorithm, algorithm);
    EXPECT_EQ(right.presented.nc, 1);
    const auto wrong = desk.decide(connect_request(digest_answer(challenge, "looking-glass")), "10.0.0.1", 5ms);
    EXPECT_EQ(wrong.presented.verdict, Verdict::wrong) << algorithm;
  }
}

TEST(ProxyDesk, digest_for_another_target_is_wrong) {
  auto settings = office();
  settings.challenges = {{"Digest", "SHA-256", ""}};
  ProxyDesk desk(settings, "seal");
  const auto challenge = digest_in(desk.decide(connect_request(), "10.0.0.1", 0ms));
  auto request = connect_request(digest_answer(challenge, "wonderland"));
  request.target = "turns.crype.test:5349";
  EXPECT_EQ(desk.decide(request, "10.0.0.1", 1ms).presented.verdict, Verdict::wrong);
}

TEST(ProxyDesk, an_algorithm_that_nobody_knows_stands_first_and_is_never_taken) {
  auto settings = office();
  settings.challenges = {{"Digest", "SHA-9", ""}, {"Digest", "SHA-256", "https://elsewhere.test/"}};
  ProxyDesk desk(settings, "seal");
  const auto asked = desk.decide(connect_request(), "10.0.0.1", 0ms);
  const auto answer = read(asked);
  const auto fields = answer.head.fields.all("Proxy-Authenticate");
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_NE(fields[0].find("algorithm=SHA-9"), std::string::npos);
  EXPECT_NE(fields[1].find("domain=\"https://elsewhere.test/\""), std::string::npos);
  auto challenge = digest_in(asked);
  EXPECT_EQ(desk.decide(connect_request(digest_answer(challenge, "wonderland")), "10.0.0.1", 1ms).kind,
            Decision::Kind::tunnel);
  challenge.algorithm = wire::DigestAlgorithm::md5;
  EXPECT_EQ(desk.decide(connect_request(digest_answer(challenge, "wonderland")), "10.0.0.1", 1ms).presented.verdict,
            Verdict::unsupported)
      << "MD5 was never offered";
}

TEST(ProxyDesk, an_old_nonce_is_stale_and_the_new_one_is_taken) {
  auto settings = office();
  settings.challenges = {{"Digest", "SHA-256", ""}};
  settings.nonce_life = 20s;
  ProxyDesk desk(settings, "seal");
  const auto first = digest_in(desk.decide(connect_request(), "10.0.0.1", 0ms));
  EXPECT_EQ(desk.decide(connect_request(digest_answer(first, "wonderland")), "10.0.0.1", 20s).kind,
            Decision::Kind::tunnel);
  const auto stale = desk.decide(connect_request(digest_answer(first, "wonderland", 2)), "10.0.0.1", 20'001ms);
  EXPECT_EQ(stale.presented.verdict, Verdict::stale);
  const auto second = digest_in(stale);
  EXPECT_TRUE(second.stale);
  EXPECT_NE(second.nonce, first.nonce);
  EXPECT_EQ(desk.decide(connect_request(digest_answer(second, "wonderland")), "10.0.0.1", 20'002ms).kind,
            Decision::Kind::tunnel);
  auto forged = second;
  forged.nonce = "4e22-00000000000000000000000000000000";
  EXPECT_EQ(desk.decide(connect_request(digest_answer(forged, "wonderland")), "10.0.0.1", 20'003ms).presented.verdict,
            Verdict::stale)
      << "a nonce that is not ours";
}

TEST(ProxyDesk, a_session_ends_once_and_begins_anew) {
  auto settings = office();
  settings.session = 120s;
  ProxyDesk desk(settings, "seal");
  const auto request = connect_request(basic("alice", "wonderland"));
  const auto first = desk.decide(request, "10.0.0.1", 1s);
  ASSERT_EQ(first.kind, Decision::Kind::tunnel);
  EXPECT_EQ(first.presented.expires, 121s);
  EXPECT_EQ(desk.decide(request, "10.0.0.1", 120s).kind, Decision::Kind::tunnel);
  const auto over = desk.decide(request, "10.0.0.1", 121s);
  EXPECT_EQ(over.status, 407U);
  EXPECT_EQ(over.presented.verdict, Verdict::expired);
  EXPECT_EQ(desk.decide(request, "10.0.0.1", 122s).presented.expires, 242s);
}

TEST(ProxyDesk, a_refusal_can_be_large_and_final) {
  auto settings = office();
  settings.close_refused = true;
  settings.refusal_body = 8192;
  ProxyDesk desk(settings, "seal");
  const auto decision = desk.decide(connect_request(), "10.0.0.1", 0ms);
  const auto answer = read(decision);
  EXPECT_TRUE(decision.close);
  EXPECT_EQ(answer.head.status, 407U);
  EXPECT_TRUE(answer.head.fields.lists("Connection", "close"));
  EXPECT_EQ(answer.body.size(), 8192U);
  EXPECT_EQ(*answer.head.fields.find("Content-Length"), "8192");
}

TEST(ProxyDesk, a_login_page_or_a_redirect_may_stand_for_a_challenge) {
  auto settings = office();
  settings.login = "http://login.office.test/";
  for (const auto& [refusal, status] :
       {std::pair(Refusal::redirect_302, 302U), {Refusal::redirect_307, 307U}, {Refusal::page, 200U}}) {
    settings.refusal = refusal;
    ProxyDesk desk(settings, "seal");
    const auto decision = desk.decide(connect_request(), "10.0.0.1", 0ms);
    EXPECT_EQ(decision.kind, Decision::Kind::answer);
    const auto answer = read(decision);
    EXPECT_EQ(answer.head.status, status);
    EXPECT_EQ(answer.head.fields.find("Location").has_value(), status != 200);
    EXPECT_EQ(answer.head.fields.find("Proxy-Authenticate"), std::nullopt);
    EXPECT_NE(answer.body.find("<html>"), std::string::npos);
  }
}

TEST(ProxyDesk, a_port_that_is_not_allowed_is_refused_before_anybody_is_asked) {
  auto settings = office();
  settings.connect_ports = {{5349, 5349}};
  ProxyDesk desk(settings, "seal");
  EXPECT_EQ(desk.decide(connect_request(), "10.0.0.1", 0ms).status, 403U);
  auto request = connect_request();
  request.target = "turns.crype.test:5349";
  EXPECT_EQ(desk.decide(request, "10.0.0.1", 0ms).status, 407U);
}

TEST(ProxyDesk, any_2xx_may_open_the_tunnel_with_fields_that_mean_nothing) {
  auto settings = office();
  settings.challenges.clear();
  settings.tunnel = {299, 120, "chunked"};
  ProxyDesk desk(settings, "seal");
  const auto answer = read(desk.decide(connect_request(), "10.0.0.1", 0ms));
  EXPECT_EQ(answer.head.status, 299U);
  EXPECT_EQ(*answer.head.fields.find("Content-Length"), "120");
  EXPECT_EQ(*answer.head.fields.find("Transfer-Encoding"), "chunked");
  EXPECT_EQ(answer.body, "");
}

TEST(ProxyDesk, an_admitted_request_may_be_refused_or_never_answered) {
  auto settings = office();
  settings.challenges.clear();
  settings.answer = 503;
  EXPECT_EQ(ProxyDesk(settings, "seal").decide(connect_request(), "10.0.0.1", 0ms).status, 503U);
  settings.answer = 0;
  EXPECT_EQ(ProxyDesk(settings, "seal").decide(connect_request(), "10.0.0.1", 0ms).kind, Decision::Kind::silence);
}

TEST(ProxyDesk, only_connect_with_a_port_is_served) {
  const auto settings = office();
  ProxyDesk desk(settings, "seal");
  auto request = connect_request();
  request.method = "GET";
  EXPECT_EQ(desk.decide(request, "10.0.0.1", 0ms).status, 501U);
  request = connect_request();
  request.target = "turns.crype.test";
  EXPECT_EQ(desk.decide(request, "10.0.0.1", 0ms).status, 400U);
}

TEST(TunnelFate, a_tunnel_is_cut_for_the_first_reason_that_comes) {
  Cut cut;
  cut.after = 300s;
  cut.bytes = 1000;
  cut.idle = 60s;
  TunnelFate fate(cut, std::nullopt, 10s);
  EXPECT_EQ(fate.due(69s), "");
  EXPECT_EQ(fate.next(), 70s);
  EXPECT_EQ(fate.due(70s), "idle");
  fate.moved(999, 69s);
  EXPECT_EQ(fate.due(128s), "");
  EXPECT_EQ(fate.due(129s), "idle");
  fate.moved(1, 100s);
  EXPECT_EQ(fate.due(100s), "bytes");
  EXPECT_EQ(TunnelFate(cut, std::nullopt, 0s).due(300s), "lifetime");
  EXPECT_EQ(TunnelFate({}, 5s, 0s).due(5s), "credentials-expired");
  EXPECT_EQ(TunnelFate({}, std::nullopt, 0s).next(), std::nullopt);
}

}  // namespace
}  // namespace crypelab::faults::proxy_desk_test
