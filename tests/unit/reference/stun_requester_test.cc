#include "clients/reference/stun/redirections.h"
#include "clients/reference/stun/requester.h"
#include "clients/reference/stun/server_binding.h"
#include "seeded_random.h"
#include "turn_server_model.h"

#include <gtest/gtest.h>

namespace crypelab::client::stun::stun_requester_test {
namespace {

using Kind = Completion::Result;
using wire::StunAttribute;

class Sent : public Output {
 public:
  void send(wire::Bytes message) override { messages.emplace_back(message.begin(), message.end()); }
  wire::StunMessage at(std::size_t i) const { return *wire::StunMessage::parse(messages.at(i)); }
  std::vector<std::vector<std::uint8_t>> messages;
};

struct Bench {
  SeededRandom random{1};
  Sent out;
  Time start = Time(1h);
  Time now = start;
  std::vector<std::uint8_t> answer;

  Requester requester(Requester::Settings settings = {}, bool account = true) {
    return Requester(std::move(settings),
                     account ? std::optional(*LongTerm::create("alice", "wonderland")) : std::nullopt, random, out);
  }
  template <class Fill>
  std::optional<Completion> reply(Requester& r, wire::StunClass c, Fill fill) {
    const auto request = out.at(out.messages.size() - 1);
    answer.assign(2048, 0);
    wire::StunWriter writer(answer, c, request.method(), request.transaction());
    fill(writer);
    answer.resize(writer.bytes().size());
    return r.receive(*wire::StunMessage::parse(answer), now);
  }
  std::optional<Completion> run(Requester& r, Time until) {
    while (r.next() && *r.next() <= until) {
      now = std::max(now, *r.next());
      if (auto c = r.wake(now)) return c;
    }
    return std::nullopt;
  }
};

void nothing(wire::StunWriter&) {}

TEST(StunRequester, an_udp_request_is_sent_seven_times_and_given_up_after_39_5_s) {
  Bench b;
  auto r = b.requester();
  const auto id = r.start(wire::StunMethod::binding, nothing, b.now);
  std::vector<long> at{0};
  std::optional<Completion> end;
  while (!end) {
    const auto sent = b.out.messages.size();
    b.now = *r.next();
    end = r.wake(b.now);
    if (b.out.messages.size() > sent)
      at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(b.now - b.start).count());
  }
  EXPECT_EQ(at, (std::vector<long>{0, 500, 1500, 3500, 7500, 15500, 31500}));
  EXPECT_EQ(b.now - b.start, 39'500ms);
  EXPECT_EQ(end->result, Kind::timeout);
  EXPECT_EQ(end->id, id);
  EXPECT_FALSE(r.next());
  for (const auto& m : b.out.messages) EXPECT_EQ(m, b.out.messages[0]);
}

TEST(StunRequester, over_tcp_a_request_is_sent_once_and_given_up_after_ti) {
  for (const bool bad : {false, true}) {
    Bench b;
    auto r =
        b.requester({.timing = {.reliable = true}, .misbehaviour = bad ? Misbehaviour{Rule::s02} : Misbehaviour{}});
    r.start(wire::StunMethod::binding, nothing, b.now);
    const auto end = b.run(r, b.now + 1min);
    ASSERT_TRUE(end);
    EXPECT_EQ(b.out.messages.size(), bad ? 7u : 1u);
    EXPECT_EQ(b.now - b.start, 39'500ms);
  }
}

TEST(StunRequester, a_lost_connection_ends_requests_at_once) {
  for (const bool bad : {false, true}) {
    Bench b;
    auto r =
        b.requester({.timing = {.reliable = true}, .misbehaviour = bad ? Misbehaviour{Rule::s05} : Misbehaviour{}});
    r.start(wire::StunMethod::allocate, nothing, b.now);
    r.transport_lost(b.now);
    const auto end = b.run(r, b.now + 10ms);
    ASSERT_EQ(end.has_value(), !bad);
    if (end) {
      EXPECT_EQ(end->result, Kind::transport_lost);
    }
  }
}

// A server that asks for credentials and then does what it is told.
struct Served : Bench {
  TurnServerModel server{{}};
  Requester r;
  explicit Served(TurnServerModel::Settings s, Requester::Settings settings = {})
      : server(std::move(s)), r(requester(std::move(settings))) {}
  std::optional<Completion> exchange(unsigned most = 60, Duration time = 1min) {
    std::size_t next = out.messages.size();
    r.start(
        wire::StunMethod::allocate, [](wire::StunWriter& w) { w.add_transport(17); }, now);
    const auto end = now + time;
    while (most-- > 0) {
      if (next < out.messages.size()) {
        for (auto& d :
             server.receive({*parse_endpoint("192.0.2.1:1000"), server.settings.listen, out.messages[next]}, now)) {
          answer = d.bytes;
          if (auto c = r.receive(*wire::StunMessage::parse(answer), now)) return c;
        }
        ++next;
      } else {
        if (!r.next() || *r.next() > end) return std::nullopt;
        now = std::max(now, *r.next());
        if (auto c = r.wake(now)) return c;
      }
    }
    return std::nullopt;
  }
};

TEST(StunRequester, credentials_are_proved_by_md5_and_by_sha256_with_name_or_hash) {
  for (const bool sha : {false, true}) {
    for (const bool anonymous : {false, true}) {
      TurnServerModel::Settings s;
      if (sha) s.algorithms = {wire::PasswordAlgorithm::sha256, wire::PasswordAlgorithm::md5};
      s.anonymous = anonymous;
      Served b(s);
      const auto done = b.exchange();
      ASSERT_TRUE(done);
      EXPECT_EQ(done->result, Kind::success);
      EXPECT_EQ(b.server.log, (std::vector<std::string>{"Allocate 401", "Allocate 200"}));
      const auto second = b.out.at(1);
      EXPECT_EQ(second.has(StunAttribute::username), !anonymous);
      EXPECT_EQ(second.has(StunAttribute::userhash), anonymous);
      EXPECT_EQ(second.has(StunAttribute::message_integrity), !sha);
      EXPECT_EQ(second.has(StunAttribute::message_integrity_sha256), sha);
      EXPECT_NE(second.transaction(), b.out.at(0).transaction());
      EXPECT_EQ(wire::check_fingerprint(second), wire::StunCheck::valid);
    }
  }
}

TEST(StunRequester, a_client_that_keeps_to_sha1_is_refused_where_sha256_was_agreed_on) {
  TurnServerModel::Settings s;
  s.algorithms = {wire::PasswordAlgorithm::sha256};
  Served b(s, {.timing = {.reliable = true}, .misbehaviour = {Rule::s12}});
  const auto done = b.exchange();
  ASSERT_TRUE(done);
  EXPECT_NE(done->result, Kind::success);
  EXPECT_EQ(b.server.log.back(), "Allocate 400");
}

TEST(StunRequester, refused_credentials_are_not_repeated) {
  TurnServerModel::Settings s;
  s.password = "another";
  Served b(s);
  const auto done = b.exchange();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->result, Kind::credentials);
  EXPECT_EQ(done->code, 401u);
  EXPECT_EQ(b.out.messages.size(), 2u);
  Served bad(s, {.misbehaviour = {Rule::s09}});
  ASSERT_TRUE(bad.exchange());
  EXPECT_EQ(bad.out.messages.size(), 21u);
}

TEST(StunRequester, a_stale_nonce_is_replaced) {
  TurnServerModel::Settings s;
  s.nonce_life = 30s;
  for (const bool bad : {false, true}) {
    Served b(s, {.misbehaviour = bad ? Misbehaviour{Rule::s10} : Misbehaviour{}});
    ASSERT_EQ(b.exchange()->result, Kind::success);
    b.now += 31s;
    b.server.allocations.clear();
    b.server.log.clear();
    const auto done = b.exchange();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->result, bad ? Kind::credentials : Kind::success);
    EXPECT_EQ(b.server.log.front(), "Allocate 438");
    EXPECT_EQ(b.server.log.size(), bad ? 21u : 2u);
  }
}

TEST(StunRequester, nothing_is_sent_after_the_algorithms_were_taken_away) {
  for (const bool bad : {false, true}) {
    TurnServerModel::Settings s;
    s.algorithms = {wire::PasswordAlgorithm::sha256};
    Served b(s, {.misbehaviour = bad ? Misbehaviour{Rule::s11} : Misbehaviour{}});
    b.server.omit_algorithms = true;
    const auto done = b.exchange();
    if (!bad) {
      ASSERT_TRUE(done);
      EXPECT_EQ(done->result, Kind::bid_down);
    }
    EXPECT_EQ(b.out.messages.size() > 1, bad);
  }
}

TEST(StunRequester, only_unknown_algorithms_are_no_ground_to_go_on) {
  Bench b;
  auto r = b.requester();
  r.start(wire::StunMethod::allocate, nothing, b.now);
  const std::array<wire::PasswordAlgorithm, 1> unknown{wire::PasswordAlgorithm{77}};
  const auto done = b.reply(r, wire::StunClass::error, [&](wire::StunWriter& w) {
    w.add_error(401, "")
        .add_text(StunAttribute::realm, "r")
        .add_text(StunAttribute::nonce, wire::nonce_cookie({true, false}));
    w.add_password_algorithms(unknown);
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(done->result, Kind::bid_down);
}

TEST(StunRequester, bad_integrity_ends_tcp_at_once_and_is_waited_out_on_udp) {
  for (const bool reliable : {false, true}) {
    Served b({}, {.timing = {.reliable = reliable}});
    b.server.corrupt_integrity = true;
    const auto done = b.exchange();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->result, Kind::integrity);
    EXPECT_EQ(b.now - b.start, reliable ? 0ms : 39'500ms);
    Served bad({}, {.timing = {.reliable = reliable}, .misbehaviour = {Rule::s13}});
    bad.server.corrupt_integrity = true;
    EXPECT_EQ(bad.exchange()->result, Kind::success);
  }
}

TEST(StunRequester, server_errors_are_retried_four_times) {
  for (const bool bad : {false, true}) {
    Served b({}, {.misbehaviour = bad ? Misbehaviour{Rule::s08} : Misbehaviour{}});
    b.server.refuse = [](const auto&, bool) { return 500u; };
    const auto done = b.exchange(200, 10min);
    EXPECT_EQ(done.has_value(), !bad);
    if (done) {
      EXPECT_EQ(done->code, 500u);
      EXPECT_EQ(b.out.messages.size(), 6u);  // the first unsigned, five signed
    } else {
      EXPECT_GT(b.out.messages.size(), 20u);
    }
  }
}

TEST(StunRequester, unknown_attributes_count_by_their_kind) {
  for (const Rule broken : {Rule::s01, Rule::s06, Rule::s07}) {
    for (const unsigned type : {0x80F0u, 0x7F01u}) {
      Bench b;
      auto r = b.requester({.misbehaviour = {broken}}, false);
      r.start(wire::StunMethod::binding, nothing, b.now);
      const auto done = b.reply(r, wire::StunClass::success, [&](wire::StunWriter& w) {
        w.add(StunAttribute{static_cast<std::uint16_t>(type)}, wire::bytes_of("abcd"));
      });
      ASSERT_TRUE(done);
      const bool required = type < 0x8000;
      const bool fails = required ? broken != Rule::s07 : broken == Rule::s06;
      EXPECT_EQ(done->result, fails ? Kind::malformed : Kind::success) << type;
    }
  }
}

TEST(StunRequester, answers_of_others_are_ignored) {
  Bench b;
  auto r = b.requester({}, false);
  const auto id = r.start(wire::StunMethod::binding, nothing, b.now);
  std::array<std::uint8_t, 64> buffer{};
  wire::StunWriter stranger(buffer, wire::StunClass::success, wire::StunMethod::binding, {9});
  EXPECT_FALSE(r.receive(*wire::StunMessage::parse(stranger.bytes()), b.now));
  wire::StunWriter method(buffer, wire::StunClass::success, wire::StunMethod::allocate, b.out.at(0).transaction());
  EXPECT_FALSE(r.receive(*wire::StunMessage::parse(method.bytes()), b.now));
  r.cancel(id);
  EXPECT_FALSE(b.reply(r, wire::StunClass::success, nothing));
}

TEST(StunRedirections, a_server_asked_in_the_last_five_minutes_is_not_followed_to) {
  Redirections seen;
  const auto a = *parse_endpoint("192.0.2.1:3478");
  const auto b = *parse_endpoint("192.0.2.2:3478");
  const Time now(1h);
  seen.asked(a, now);
  EXPECT_TRUE(seen.may_follow({b, ""}, now, {}));
  seen.asked(b, now);
  EXPECT_FALSE(seen.may_follow({a, ""}, now + 4min, {}));
  EXPECT_TRUE(seen.may_follow({a, ""}, now + 4min, {Rule::s15}));
  EXPECT_TRUE(seen.may_follow({a, ""}, now + 5min, {}));
}

TEST(StunServerBinding, an_address_is_learnt_and_kept_until_ice_ends) {
  for (const bool bad : {false, true}) {
    Bench b;
    ServerBinding binding({.misbehaviour = bad ? Misbehaviour{Rule::i04} : Misbehaviour{}}, b.random, b.out, b.now);
    TurnServerModel server{{}};
    const auto me = *parse_endpoint("192.0.2.9:4000");
    std::size_t seen = 0;
    const auto pump = [&](Time until) {
      while (true) {
        for (; seen < b.out.messages.size(); ++seen) {
          for (const auto& d : server.receive({me, server.settings.listen, b.out.messages[seen]}, b.now)) {
            EXPECT_TRUE(binding.receive(*wire::StunMessage::parse(d.bytes), b.now));
          }
        }
        if (!binding.next() || *binding.next() > until) return;
        b.now = *binding.next();
        binding.wake(b.now);
      }
    };
    pump(b.start + 61s);
    EXPECT_EQ(binding.mapped(), me);
    EXPECT_EQ(b.out.messages.size(), bad ? 1u : 5u);
    binding.conclude();
    pump(b.start + 5min);
    EXPECT_EQ(b.out.messages.size(), bad ? 1u : 5u);
  }
}

TEST(StunLongTerm, controls_in_user_names_are_refused) {
  EXPECT_FALSE(LongTerm::create("a\nb", "x"));
  EXPECT_FALSE(LongTerm::create("a", ""));
}

}  // namespace
}  // namespace crypelab::client::stun::stun_requester_test
