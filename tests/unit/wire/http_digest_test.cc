#include "harness/wire/http_digest.h"

#include <gtest/gtest.h>

namespace crypelab::wire::http_digest_test {
namespace {

HttpAuth one(std::string_view field) {
  const auto challenges = parse_challenges(field);
  EXPECT_TRUE(challenges && challenges->size() == 1) << field;
  return challenges ? challenges->front() : HttpAuth{};
}

constexpr std::string_view sha256_challenge =
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

// RFC 7616 §3.9.1.
TEST(HttpDigest, the_vectors_for_md5_and_sha_256_come_out) {
  const std::pair<DigestAlgorithm, std::string_view> vectors[] = {
      {DigestAlgorithm::sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
      {DigestAlgorithm::md5, "8ca523f5e9506fed4657c9700eebdbec"}};
  for (const auto& [algorithm, response] : vectors) {
    auto challenge = parse_digest_challenge(one(sha256_challenge));
    ASSERT_TRUE(challenge) << challenge.complaint();
    challenge->algorithm = algorithm;
    const auto answer = answer_digest(*challenge, "Mufasa", "Circle of Life", "GET", "/dir/index.html",
                                      "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", 1);
    EXPECT_EQ(answer.response, response);
    EXPECT_EQ(answer.opaque, challenge->opaque);
  }
}

// RFC 7616 §3.9.2 with the hashes of erratum 4897: the printed ones are of truncated SHA-512, which is another
// function.
TEST(HttpDigest, the_vector_for_sha_512_256_with_userhash_comes_out) {
  const auto challenge =
      parse_digest_challenge(one("Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, "
                                 "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", "
                                 "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", "
                                 "charset=UTF-8, userhash=true"));
  ASSERT_TRUE(challenge) << challenge.complaint();
  EXPECT_TRUE(challenge->utf8);
  const auto answer = answer_digest(*challenge, "J\u00E4s\u00F8n Doe", "Secret, or not?", "GET", "/doe.json",
                                    "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", 1);
  EXPECT_EQ(answer.username, "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
  EXPECT_EQ(answer.response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

// RFC 2617 §3.5, and the same without qop.
TEST(HttpDigest, a_challenge_without_algorithm_means_md5_and_without_qop_the_old_form) {
  const auto with_qop = parse_digest_challenge(
      one("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""));
  EXPECT_EQ(answer_digest(*with_qop, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", 1).response,
            "6629fae49393a05397450978507c4ef1");
  const auto without =
      parse_digest_challenge(one("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""));
  const auto answer = answer_digest(*without, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", 1);
  EXPECT_EQ(answer.response, "670fd8c2df070c60b045671b8b24ff02");
  EXPECT_EQ(to_text(answer).find("nc="), std::string::npos);
  EXPECT_EQ(to_text(answer).find("algorithm"), std::string::npos);
}

TEST(HttpDigest, every_answer_verifies_through_the_wire_and_no_other_password_does) {
  for (const char* algorithm : {"MD5", "md5-SESS", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"}) {
    for (const char* user : {"alice", "J\u00E4s\u00F8n \"Doe\""}) {
      for (const char* userhash : {"true", "false"}) {
        const auto challenge =
            parse_digest_challenge(one(std::string("Digest realm=\"a \\\"b\\\"\", nonce=\"n\", qop=auth, algorithm=") +
                                       algorithm + ", userhash=" + userhash + ", domain=\"/x\", stale=TRUE"));
        ASSERT_TRUE(challenge) << challenge.complaint();
        EXPECT_TRUE(challenge->stale);
        const auto text =
            to_text(answer_digest(*challenge, user, "secret", "CONNECT", "turns.crype.test:443", "c", 0x1f));
        EXPECT_NE(text.find("nc=0000001f"), std::string::npos) << text;
        const auto parsed = parse_digest_credentials(*parse_credentials(text));
        ASSERT_TRUE(parsed) << parsed.complaint() << text;
        EXPECT_EQ(parsed->realm, "a \"b\"");
        EXPECT_EQ(parsed->nc, 0x1fu);
        EXPECT_TRUE(verify_digest(*parsed, user, "secret", "CONNECT"));
        EXPECT_FALSE(verify_digest(*parsed, user, "Secret", "CONNECT"));
        EXPECT_FALSE(verify_digest(*parsed, user, "secret", "GET"));
        EXPECT_FALSE(verify_digest(*parsed, "bob", "secret", "CONNECT"));
      }
    }
  }
}

TEST(HttpDigest, a_written_challenge_reads_back) {
  DigestChallenge challenge;
  challenge.realm = "office";
  challenge.nonce = "abc";
  challenge.opaque = "o";
  challenge.algorithm = DigestAlgorithm::sha256;
  challenge.algorithm_named = challenge.qop_auth = challenge.stale = challenge.userhash = challenge.utf8 = true;
  const auto again = parse_digest_challenge(one(to_text(challenge)));
  ASSERT_TRUE(again) << again.complaint();
  EXPECT_EQ(to_text(*again), to_text(challenge));
  EXPECT_TRUE(again->stale && again->userhash && again->utf8 && again->qop_auth);
}

TEST(HttpDigest, what_a_client_or_server_must_leave_alone_is_refused) {
  for (const char* challenge : {"Digest realm=\"a\"", "Digest nonce=\"a\"", "Digest realm=a, nonce=b, algorithm=SHA3",
                                "Digest realm=a, nonce=b, qop=\"auth-int\"", "Basic realm=a"}) {
    EXPECT_FALSE(parse_digest_challenge(one(challenge))) << challenge;
  }
  const std::string base = "Digest username=u, realm=r, nonce=n, uri=\"/\", response=x";
  EXPECT_TRUE(parse_digest_credentials(one(base)));
  for (const char* more : {", qop=auth, nc=1, cnonce=c", ", qop=auth, nc=0000000g, cnonce=c", ", qop=auth, nc=00000001",
                           ", qop=auth-int, nc=00000001, cnonce=c", ", algorithm=X", ", username*=UTF-8''u"}) {
    EXPECT_FALSE(parse_digest_credentials(one(base + more))) << more;
  }
  EXPECT_FALSE(parse_digest_credentials(one("Digest username=u, realm=r, nonce=n, uri=\"/\"")));
  EXPECT_FALSE(parse_digest_credentials(one("Digest username*=UTF-8''%x, realm=r, nonce=n, uri=\"/\", response=x")));
}

}  // namespace
}  // namespace crypelab::wire::http_digest_test
