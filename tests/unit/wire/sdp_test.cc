#include "harness/wire/sdp.h"

#include <gtest/gtest.h>

namespace crypelab::wire::sdp_test {
namespace {

constexpr std::string_view fingerprint =
    "82:1E:F4:77:79:BF:31:AC:90:F6:0C:91:FB:FE:C5:0A:39:47:63:2E:18:A4:0F:36:7C:53:7A:D2:B8:91:42:A3";

// As Chromium and libwebrtc write it.
const std::string chromium =
    "v=0\r\no=- 2079181553264408257 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS\r\nm=application 51826 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.168.1.7\r\n"
    "a=candidate:2999745851 1 udp 2122260223 192.168.1.7 51826 typ host generation 0 network-id 1 network-cost 10\r\n"
    "a=candidate:1238231218 1 udp 2122194687 0b6bd9cc-4e37-4b49-a89c-2b5bfdc0a5b6.local 43210 typ host generation 0\r\n"
    "a=candidate:842163049 1 udp 1677729535 203.0.113.9 51826 typ srflx raddr 192.168.1.7 rport 51826 generation 0 "
    "network-id 1\r\n"
    "a=candidate:4084532367 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active generation 0 network-id 1\r\n"
    "a=candidate:3745641921 1 udp 25108223 2001:db8::5 61000 typ relay raddr 203.0.113.9 rport 51826 generation 0\r\n"
    "a=candidate:1 1 ssltcp 1 192.168.1.7 443 typ host\r\n"
    "a=ice-ufrag:5xf5\r\na=ice-pwd:RaGh41Km50SazV5xD4cU0KNL\r\na=ice-options:trickle\r\na=fingerprint:sha-256 " +
    std::string(fingerprint) + "\r\na=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";

// As Firefox writes it: fingerprint and options of the session, an audio section in front.
const std::string firefox =
    "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 4321006524917120012 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
    "a=fingerprint:sha-256 " +
    std::string(fingerprint) +
    "\r\na=group:BUNDLE 0 1\r\na=ice-options:trickle\r\na=msid-semantic:WMS *\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 109\r\nc=IN IP4 "
    "0.0.0.0\r\na=ice-ufrag:deadbeef\r\na=ice-pwd:00000000000000000000000000000000\r\n"
    "a=mid:0\r\na=setup:actpass\r\na=rtpmap:109 opus/48000/2\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
    "a=candidate:0 1 UDP 2122252543 192.168.1.8 40000 typ host\r\n"
    "a=candidate:2 1 TCP 2105524479 192.168.1.8 9 typ host tcptype active\r\na=end-of-candidates\r\n"
    "a=sendrecv\r\na=ice-pwd:0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\na=ice-ufrag:1f2e3d4c\r\na=mid:1\r\na=setup:active\r\n"
    "a=sctp-port:5001\r\na=max-message-size:1073741823\r\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Sdp, an_offer_of_chromium_is_read) {
  const auto sdp = parse_sdp(chromium);
  ASSERT_TRUE(sdp) << sdp.complaint();
  EXPECT_EQ(sdp->session_id, 2079181553264408257u);
  EXPECT_EQ(sdp->session_version, 2u);
  EXPECT_EQ(sdp->mid, "0");
  EXPECT_TRUE(sdp->bundled);
  EXPECT_EQ(sdp->ice_ufrag, "5xf5");
  EXPECT_EQ(sdp->ice_pwd, "RaGh41Km50SazV5xD4cU0KNL");
  EXPECT_TRUE(sdp->trickle);
  EXPECT_EQ(sdp->setup, SdpSetup::actpass);
  EXPECT_EQ(sdp->sctp_port, 5000);
  EXPECT_EQ(sdp->max_message_size, 262144u);
  EXPECT_FALSE(sdp->end_of_candidates);
  ASSERT_EQ(sdp->fingerprints.size(), 1u);
  EXPECT_EQ(sdp->fingerprints[0].algorithm, "sha-256");
  EXPECT_EQ(sdp->fingerprints[0].digest[1], 0x1e);
  ASSERT_EQ(sdp->candidates.size(), 5u);
  EXPECT_EQ(sdp->ignored_candidates, 1u);
  EXPECT_EQ(sdp->candidates[0].endpoint(), *parse_endpoint("192.168.1.7:51826"));
  EXPECT_FALSE(sdp->candidates[1].endpoint());
  EXPECT_EQ(sdp->candidates[2].type, IceCandidate::Type::srflx);
  EXPECT_EQ(sdp->candidates[2].related_port, 51826);
  EXPECT_EQ(sdp->candidates[3].transport, IceCandidate::Transport::tcp);
  EXPECT_EQ(sdp->candidates[3].tcp_type, IceCandidate::TcpType::active);
  EXPECT_EQ(sdp->candidates[4].endpoint(), *parse_endpoint("[2001:db8::5]:61000"));
}

TEST(Sdp, an_offer_of_firefox_is_read_from_its_data_channel_section) {
  const auto sdp = parse_sdp(firefox);
  ASSERT_TRUE(sdp) << sdp.complaint();
  EXPECT_EQ(sdp->mid, "1");
  EXPECT_TRUE(sdp->bundled);
  EXPECT_EQ(sdp->ice_ufrag, "1f2e3d4c");
  EXPECT_EQ(sdp->setup, SdpSetup::active);
  EXPECT_EQ(sdp->sctp_port, 5001);
  EXPECT_TRUE(sdp->trickle);
  EXPECT_TRUE(sdp->end_of_candidates);
  EXPECT_EQ(sdp->fingerprints.size(), 1u);
  ASSERT_EQ(sdp->candidates.size(), 2u);
  EXPECT_EQ(sdp->candidates[0].transport, IceCandidate::Transport::udp);
}

TEST(Sdp, the_form_before_rfc_8841_is_read) {
  auto text = replaced(chromium, "UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5002");
  text =
      replaced(text, "a=sctp-port:5000\r\na=max-message-size:262144\r\n", "a=sctpmap:5002 webrtc-datachannel 1024\r\n");
  const auto sdp = parse_sdp(text);
  ASSERT_TRUE(sdp) << sdp.complaint();
  EXPECT_EQ(sdp->sctp_port, 5002);
  EXPECT_EQ(sdp->max_message_size, 65'536u);
}

TEST(Sdp, what_is_written_reads_back) {
  SdpDescription description = *parse_sdp(chromium);
  description.end_of_candidates = true;
  description.setup = SdpSetup::passive;
  const auto text = to_text(description);
  const auto again = parse_sdp(text);
  ASSERT_TRUE(again) << again.complaint();
  EXPECT_EQ(to_text(*again), text);
  EXPECT_EQ(again->candidates, description.candidates);
  EXPECT_EQ(again->fingerprints, description.fingerprints);
  EXPECT_EQ(again->setup, SdpSetup::passive);
  EXPECT_TRUE(again->end_of_candidates);
  EXPECT_NE(text.find("a=group:BUNDLE 0\r\n"), std::string::npos);
  EXPECT_NE(text.find(fingerprint), std::string::npos);
}

TEST(Sdp, checks_are_50_ms_apart_where_nothing_else_is_said) {
  auto description = *parse_sdp(chromium);
  EXPECT_EQ(description.ice_pacing, 50u);
  EXPECT_EQ(to_text(description).find("ice-pacing"), std::string::npos);
  description.ice_pacing = 20;
  EXPECT_EQ(parse_sdp(to_text(description))->ice_pacing, 20u);
}

TEST(Sdp, what_is_missing_or_malformed_is_named) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"v=0", "v=1", "an SDP begins with v=0"},
      {"a=ice-ufrag:5xf5\r\n", "", "ice-ufrag is missing or malformed"},
      {"5xf5", "5xf", "ice-ufrag is missing or malformed"},
      {"RaGh41Km50SazV5xD4cU0KNL", "RaGh41Km50SazV5xD4cU!KNL", "ice-pwd is missing or malformed"},
      {"a=setup:actpass\r\n", "", "setup is missing"},
      {"a=setup:actpass", "a=setup:holdconn", "an unknown setup"},
      {"fingerprint:sha-256 82:", "fingerprint:sha-256 ", "a malformed fingerprint"},
      {"fingerprint:sha-256 82:", "fingerprint:sha-256 8g:", "a malformed fingerprint"},
      {"a=fingerprint", "a=fingerprin", "fingerprint is missing"},
      {"m=application 51826", "m=application 0", "the data channel section is rejected (port 0)"},
      {"m=application", "m=image", "no data channel section"},
      {"UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 0", "no data channel section"},
      {"a=sctp-port:5000", "a=sctp-port:70000", "a malformed sctp-port"},
      {"a=max-message-size:262144", "a=max-message-size:-1", "a malformed max-message-size"},
      {"a=mid:0", "a=mid:a b", "a malformed mid"},
      {"t=0 0\r\n", "t=0 0\r\na=ice-pacing:fast\r\n", "a malformed ice-pacing"},
      {"s=-", "s=\x01", "an SDP with control characters"},
  };
  for (const auto& [from, to, complaint] : cases) {
    const auto sdp = parse_sdp(replaced(chromium, from, to));
    ASSERT_FALSE(sdp) << from << " -> " << to;
    EXPECT_EQ(sdp.complaint(), complaint);
  }
}

TEST(Sdp, a_megabyte_and_a_flood_of_candidates_end_in_a_complaint) {
  EXPECT_FALSE(parse_sdp(chromium + std::string(1 << 20, 'x')));
  std::string flood;
  for (int i = 0; i < 300; ++i) flood += "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n";
  EXPECT_EQ(parse_sdp(chromium + flood).complaint(), "an SDP with more than 256 candidates");
  std::string nonsense;
  for (int i = 0; i < 300; ++i) nonsense += "a=candidate:x\r\n";
  EXPECT_FALSE(parse_sdp(chromium + nonsense));
}

TEST(IceCandidate, reads_back_in_every_form) {
  for (const char* text :
       {"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
        "candidate:a+/9 256 udp 0 2001:db8::1 65535 typ prflx raddr 0.0.0.0 rport 0",
        "candidate:2 1 tcp 2105458943 192.0.2.1 9 typ host tcptype active ufrag abcd network-cost 50",
        "candidate:3 1 tcp 1 192.0.2.1 4000 typ relay raddr 192.0.2.9 rport 9 tcptype so"}) {
    const auto candidate = parse_candidate(text);
    ASSERT_TRUE(candidate) << text << candidate.complaint();
    EXPECT_EQ(to_text(*candidate), text);
    EXPECT_EQ(*parse_candidate(std::string("a=") + text), *candidate);
  }
  EXPECT_EQ(parse_candidate("candidate:2 1 TCP 1 192.0.2.1 9 typ host tcptype passive")->tcp_type,
            IceCandidate::TcpType::passive);
}

TEST(IceCandidate, what_must_be_ignored_is_a_complaint) {
  for (const char* text :
       {"", "candidate:", "candidate:1 0 udp 1 192.0.2.1 5000 typ host",
        "candidate:1 257 udp 1 192.0.2.1 5000 typ host", "candidate:1 1 sctp 1 192.0.2.1 5000 typ host",
        "candidate:1 1 udp 4294967296 192.0.2.1 5000 typ host", "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 1 192.0.2.1 5000 type host", "candidate:1 1 udp 1 192.0.2.1 5000 typ token",
        "candidate:1 1 udp 1 a/b 5000 typ host", "candidate:1 1 udp 1 192.0.2.1 5000 typ host raddr",
        "candidate:1 1 udp 1 192.0.2.1 5000 typ host raddr 1.2.3.4 rport x",
        "candidate:1 1 tcp 1 192.0.2.1 5000 typ host", "candidate:1 1 tcp 1 192.0.2.1 5000 typ host tcptype both",
        "candidate:1 1 udp -1 192.0.2.1 5000 typ host", "candidate: 1 udp 1 192.0.2.1 5000 typ host"}) {
    EXPECT_FALSE(parse_candidate(text)) << text;
  }
}

}  // namespace
}  // namespace crypelab::wire::sdp_test
