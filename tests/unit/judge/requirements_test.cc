#include "harness/judge/requirements.h"

#include "made.h"

#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

namespace crypelab::judge::requirements_test {
namespace {

using namespace made;  // NOLINT(google-build-using-namespace)
using wire::StunClass;
using wire::StunMethod;

model::Scenario scenario_with_proxy() {
  auto scenario = two_sites();
  scenario.sites[0].proxies.push_back({});
  scenario.expectations = {{model::ExpectNotConnected{}, 1}};
  return scenario;
}

struct Case {
  Case() : evidence(scenario_with_proxy()) { evidence.hellos(); }
  Endpoint alice() { return {evidence.address("alice"), 5000}; }
  Endpoint relay() { return world("turn.crype.test", 3478); }
  void ask(Moment at, const Stun& what) { evidence.udp(at, "alice.eth0", true, alice(), relay(), stun(what)); }
  void answer(Moment at, const Stun& what) { evidence.udp(at, "alice.eth0", false, alice(), relay(), stun(what)); }
  void check(Moment at, const Stun& what, std::uint16_t port = 4000) {
    evidence.udp(at, "alice.eth0", true, alice(), Endpoint{evidence.address("bob"), port}, stun(what));
  }
  Tcp proxy() { return {evidence, "alice.eth0", alice(), Endpoint{evidence.address("office.proxy"), 3128}}; }
  Tcp tls_port() { return {evidence, "alice.eth0", alice(), world("turns.crype.test", 443)}; }
  Evidence evidence;
};

std::string connect(const std::string& target, const std::string& more = "ALPN: h2\r\n") {
  return "CONNECT " + target + " HTTP/1.1\r\n" + more + "\r\n";
}
constexpr const char* kRefused = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kChallenge =
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"n\"\r\nProxy-Authenticate: Basic "
    "realm=\"x\"\r\n"
    "Content-Length: 0\r\n\r\n";
const Stun kCheck{.username = "a:b", .ice = true, .integrity = true, .fingerprint = true};

Stun with_id(Stun what, std::uint8_t id) {
  what.id = id;
  return what;
}

// For each rule: what a client does that keeps it, and what breaks it.
struct Pair {
  std::function<void(Case&)> keeps;
  std::function<void(Case&)> breaks;
};

const std::map<std::string, Pair>& pairs() {
  static const auto allocate = [](std::uint8_t id, bool integrity = false) {
    return Stun{.method = StunMethod::allocate, .id = id, .transport = true, .integrity = integrity};
  };
  static const auto refused = [](std::uint8_t id, unsigned error) {
    return Stun{.message_class = StunClass::error, .method = StunMethod::allocate, .id = id, .error = error};
  };
  static const auto granted = [](StunMethod method, std::uint8_t id, std::uint32_t lifetime) {
    return Stun{.message_class = StunClass::success, .method = method, .id = id, .lifetime = lifetime};
  };
  static const auto lifetime = [](Case& c, std::uint32_t given, Moment refreshed) {
    c.ask(ms(1000), allocate(1));
    c.answer(ms(1001), granted(StunMethod::allocate, 1, given));
    c.ask(ms(1000) + refreshed, {.method = StunMethod::refresh, .id = 2});
    c.answer(ms(1001) + refreshed, granted(StunMethod::refresh, 2, given));
  };
  static const auto connects = [](Case& c, const std::string& request, const std::string& reply = kRefused) {
    c.proxy().open(ms(1000)).send(ms(1001), text(request)).receive(ms(1002), text(reply));
  };
  static const auto shows = [](Case& c, int times) {
    auto tcp = c.proxy();
    tcp.open(ms(1000));
    for (int i = 0; i < times; ++i) {
      tcp.send(ms(1001 + 10 * i),
               text(connect("turns.crype.test:443", "ALPN: h2\r\nProxy-Authorization: Basic QQ==\r\n")));
      tcp.receive(ms(1005 + 10 * i),
                  text("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"));
    }
  };
  static const auto bad_certificate = [](Case& c, int records) {
    c.evidence.scenario.world.turn_a.certificate = model::ServerCertificate::expired;
    auto tcp = c.tls_port();
    tcp.open(ms(1000)).send(ms(1001), client_hello("turns.crype.test")).receive(ms(1002), tls_record(22, 60, 2));
    for (int i = 0; i < records; ++i) tcp.send(ms(1003 + i), tls_record(23, 60));
  };
  static const auto nominations = [](Case& c, int pairs_nominated) {
    for (int i = 0; i < pairs_nominated; ++i) {
      auto nomination = with_id(kCheck, static_cast<std::uint8_t>(i + 1));
      nomination.use_candidate = true;
      const auto port = static_cast<std::uint16_t>(4000 + i);
      c.check(ms(1000 + 200 * i), nomination, port);
      c.evidence.udp(
          ms(1010 + 200 * i), "alice.eth0", false, c.alice(), Endpoint{c.evidence.address("bob"), port},
          stun({.message_class = StunClass::success, .id = static_cast<std::uint8_t>(i + 1), .mapped = c.alice()}));
    }
  };
  static const auto consent = [](Case& c, std::int64_t asked_every, std::int64_t answered_until) {
    const Endpoint bob{c.evidence.address("bob"), 4000};
    for (std::int64_t at = 1000; at < 60'000; at += 500) {
      if ((at - 1000) % asked_every == 0) {
        const auto id = static_cast<std::uint8_t>(1 + (at - 1000) / asked_every);
        c.check(ms(at), with_id(kCheck, id));
        if (at < answered_until)
          c.evidence.udp(ms(at + 5), "alice.eth0", false, c.alice(), bob,
                         stun({.message_class = StunClass::success, .id = id, .mapped = c.alice()}));
      }
      c.evidence.udp(ms(at + 10), "alice.eth0", true, c.alice(), bob, dtls_data());
      if (at < 30'000) c.evidence.udp(ms(at + 15), "alice.eth0", false, c.alice(), bob, dtls_data());
    }
  };
  static const auto leaves = [](Case& c, std::optional<Moment> deleted) {
    c.evidence.event(ms(1000), model::Source::turn, "turn-a", "allocation",
                     {{"session", std::int64_t{7}}, {"user", std::string("1700:alice")}});
    c.evidence.ends(ms(5000));
    if (deleted)
      c.evidence.event(*deleted, model::Source::turn, "turn-a", "delete",
                       {{"session", std::int64_t{7}}, {"user", std::string("1700:alice")}});
    c.evidence.event(ms(9000), model::Source::rule, "office.edge", "counter");
  };
  static const auto channel_data = [](Case& c, wire::Padding padding) {
    Tcp tcp(c.evidence, "alice.eth0", c.alice(), world("turn.crype.test", 3478));
    tcp.open(ms(1000)).send(ms(1001), stun({.method = StunMethod::allocate, .transport = true}));
    for (int i = 0; i < 4; ++i) {
      Bytes frame(1024);
      const auto whole = wire::write_channel_data(frame, 0x4000, dtls_data(61), padding);
      tcp.send(ms(1010 + i), {whole.begin(), whole.end()});
    }
  };
  static const std::map<std::string, Pair> all{
      {"W-10",
       {[](Case& c) { connects(c, connect("turns.crype.test:443")); },
        [](Case& c) { connects(c, connect("turns.crype.test:443", "")); }}},
      {"P-01",
       {[](Case& c) { connects(c, connect("turns.crype.test:443")); },
        [](Case& c) { connects(c, connect("turns.crype.test")); }}},
      {"P-02",
       {[](Case& c) { connects(c, connect("turns.crype.test:443")); },
        [](Case& c) { connects(c, connect("https://turns.crype.test:443/")); }}},
      {"P-05",
       {[](Case& c) { connects(c, connect("turns.crype.test:443")); },
        [](Case& c) {
          c.proxy()
              .open(ms(1000))
              .send(ms(1001), text(connect("turns.crype.test:443")))
              .receive(ms(1002), text(kRefused))
              .send(ms(1003), client_hello("turns.crype.test"));
        }}},
      {"P-07",
       {[](Case& c) {
          c.proxy()
              .open(ms(1000))
              .send(ms(1001), text(connect("turns.crype.test:443")))
              .receive(ms(1002), text(kChallenge))
              .send(ms(1003), text(connect("turns.crype.test:443", "ALPN: h2\r\nProxy-Authorization: Digest x=y\r\n")));
        },
        [](Case& c) {
          c.proxy()
              .open(ms(1000))
              .send(ms(1001), text(connect("turns.crype.test:443")))
              .receive(ms(1002), text(kChallenge))
              .send(ms(1003), text(connect("turns.crype.test:443", "ALPN: h2\r\nProxy-Authorization: Basic QQ==\r\n")));
        }}},
      {"P-22",
       {[](Case& c) { connects(c, connect("198.18.9.9:4000")); },  // ICE over TCP to a peer (networks.md, trap 3)
        [](Case& c) { connects(c, connect(to_string(world("turns.crype.test", 443)))); }}},
      {"P-24", {[](Case& c) { shows(c, 2); }, [](Case& c) { shows(c, 3); }}},
      {"T-01", {[](Case& c) { bad_certificate(c, 2); }, [](Case& c) { bad_certificate(c, 5); }}},
      {"T-05",
       {[](Case& c) { c.tls_port().open(ms(1000)).send(ms(1001), client_hello("turns.crype.test")); },
        [](Case& c) { c.tls_port().open(ms(1000)).send(ms(1001), stun(allocate(1))); }}},
      {"T-06",
       {[](Case& c) { c.tls_port().open(ms(1000)).send(ms(1001), client_hello("turns.crype.test")); },
        [](Case& c) { c.tls_port().open(ms(1000)).send(ms(1001), client_hello("")); }}},
      {"S-01",
       {[](Case& c) { c.ask(ms(1000), allocate(1)), c.ask(ms(1500), allocate(1)), c.ask(ms(2500), allocate(1)); },
        [](Case& c) { c.ask(ms(1000), allocate(1)), c.ask(ms(1100), allocate(1)); }}},
      {"S-02",
       {[](Case& c) {
          c.tls_port().open(ms(1000)).send(ms(1001), stun(allocate(1))).send(ms(1501), stun(allocate(2)));
        },
        [](Case& c) {
          c.tls_port().open(ms(1000)).send(ms(1001), stun(allocate(1))).send(ms(1501), stun(allocate(1)));
        }}},
      {"S-08",
       {[](Case& c) {
          for (std::uint8_t i = 1; i <= 4; ++i)
            c.ask(ms(1000 * i), allocate(i)), c.answer(ms(1000 * i + 1), refused(i, 500));
        },
        [](Case& c) {
          for (std::uint8_t i = 1; i <= 12; ++i)
            c.ask(ms(1000 * i), allocate(i)), c.answer(ms(1000 * i + 1), refused(i, 500));
        }}},
      {"S-09",
       {[](Case& c) {
          c.ask(ms(1000), allocate(1)), c.answer(ms(1001), refused(1, 401)), c.ask(ms(1002), allocate(2, true)),
              c.answer(ms(1003), refused(2, 401));
        },
        [](Case& c) {
          for (std::uint8_t i = 1; i <= 4; ++i)
            c.ask(ms(1000 * i), allocate(i, true)), c.answer(ms(1000 * i + 1), refused(i, 401));
        }}},
      {"S-10",
       {[](Case& c) {
          for (std::uint8_t i = 1; i <= 2; ++i) {
            auto request = allocate(i, true);
            request.nonce = i == 1 ? "old" : "new";
            c.ask(ms(1000 * i), request), c.answer(ms(1000 * i + 1), refused(i, 438));
          }
        },
        [](Case& c) {
          for (std::uint8_t i = 1; i <= 2; ++i) {
            auto request = allocate(i, true);
            request.nonce = "old";
            c.ask(ms(1000 * i), request), c.answer(ms(1000 * i + 1), refused(i, 438));
          }
        }}},
      {"U-01",
       {[](Case& c) { c.ask(ms(1000), allocate(1)); },
        [](Case& c) { c.ask(ms(1000), {.method = StunMethod::allocate}); }}},
      {"U-02",
       {[](Case& c) { c.ask(ms(1000), allocate(1)); },
        [](Case& c) {
          auto request = allocate(1);
          request.both_families = true;
          c.ask(ms(1000), request);
        }}},
      {"U-05", {[](Case& c) { lifetime(c, 60, seconds(50)); }, [](Case& c) { lifetime(c, 60, seconds(70)); }}},
      {"U-09",
       {[](Case& c) {
          // Repeated, and answered twice.
          for (int i = 1; i <= 2; ++i) c.ask(ms(500 * i), allocate(1)), c.answer(ms(2000 + i), refused(1, 437));
        },
        [](Case& c) {
          for (std::uint8_t i = 1; i <= 2; ++i)
            c.ask(ms(1000 * i), allocate(i)), c.answer(ms(1000 * i + 1), refused(i, 437));
        }}},
      {"U-11",
       {[](Case& c) {
          c.ask(ms(1000), allocate(1)), c.answer(ms(1001), refused(1, 486)), c.ask(ms(62'000), allocate(2));
        },
        [](Case& c) {
          c.ask(ms(1000), allocate(1)), c.answer(ms(1001), refused(1, 486)), c.ask(ms(2000), allocate(2));
        }}},
      {"U-13", {[](Case& c) { lifetime(c, 600, seconds(540)); }, [](Case& c) { lifetime(c, 600, seconds(650)); }}},
      {"U-14", {[](Case& c) { leaves(c, ms(5100)); }, [](Case& c) { leaves(c, std::nullopt); }}},
      {"U-17",
       {[](Case& c) {
          for (std::uint8_t i = 1; i <= 2; ++i) {
            auto r = with_id({.method = StunMethod::refresh, .username = "7:alice"}, i);
            c.ask(ms(1000 * i), r);
          }
        },
        [](Case& c) {
          for (std::uint8_t i = 1; i <= 2; ++i) {
            auto r = with_id({.method = StunMethod::refresh, .username = i == 1 ? "7:alice" : "8:alice"}, i);
            c.ask(ms(1000 * i), r);
          }
        }}},
      {"U-19",
       {[](Case& c) {
          c.ask(ms(1000), {.method = StunMethod::create_permission, .peer = Endpoint{c.evidence.address("bob"), 1}});
        },
        [](Case& c) { c.ask(ms(1000), {.method = StunMethod::create_permission}); }}},
      {"U-22",
       {[](Case& c) { c.ask(ms(1000), {.method = StunMethod::channel_bind, .peer = c.relay(), .channel = 0x4000}); },
        [](Case& c) { c.ask(ms(1000), {.method = StunMethod::channel_bind, .peer = c.relay(), .channel = 0x5000}); }}},
      {"U-24",
       {[](Case& c) { channel_data(c, wire::Padding::to_four); },
        [](Case& c) { channel_data(c, wire::Padding::none); }}},
      {"I-08",
       {[](Case& c) { c.check(ms(1000), kCheck); },
        [](Case& c) { c.check(ms(1000), {.username = "a:b", .integrity = true, .fingerprint = true}); }}},
      {"I-10",
       {[](Case& c) { c.check(ms(1000), kCheck); },
        [](Case& c) { c.check(ms(1000), {.username = "a:b", .ice = true, .integrity = true}); }}},
      {"I-15", {[](Case& c) { nominations(c, 1); }, [](Case& c) { nominations(c, 2); }}},
      {"I-19",
       {[](Case& c) {
          for (std::uint8_t i = 1; i <= 20; ++i) c.check(ms(1000 + 50 * i), with_id(kCheck, i));
        },
        [](Case& c) {
          for (std::uint8_t i = 1; i <= 20; ++i) c.check(ms(1000 + i), with_id(kCheck, i));
        }}},
      {"I-23", {[](Case& c) { consent(c, 5000, 60'000); }, [](Case& c) { consent(c, 5000, 20'000); }}},
      {"I-24", {[](Case& c) { consent(c, 5000, 60'000); }, [](Case& c) { consent(c, 20'000, 60'000); }}},
  };
  return all;
}

TEST(Requirements, who_keeps_a_rule_is_not_told_that_it_breaks_it) {
  for (const auto& [id, pair] : pairs()) {
    Case one;
    pair.keeps(one);
    const auto judgement = one.evidence.judged();
    const auto* verdict = find(judgement, id, "alice");
    EXPECT_EQ(verdict, nullptr) << id << ": " << (verdict != nullptr ? verdict->reason : "");
  }
}

TEST(Requirements, who_breaks_a_rule_is_told_so_with_the_level_of_the_rule) {
  for (const auto& [id, pair] : pairs()) {
    Case one;
    pair.breaks(one);
    const auto judgement = one.evidence.judged();
    const auto* verdict = find(judgement, id, "alice");
    ASSERT_NE(verdict, nullptr) << id;
    const auto rule =
        std::find_if(requirements().begin(), requirements().end(), [&id = id](const auto& r) { return r.id == id; });
    ASSERT_NE(rule, requirements().end());
    const auto expected = rule->level == Level::must     ? model::Outcome::fail
                          : rule->level == Level::should ? model::Outcome::non_strict
                                                         : model::Outcome::pass;
    EXPECT_EQ(verdict->outcome, expected) << id;
    EXPECT_FALSE(verdict->reason.empty()) << id;
  }
}

TEST(Requirements, what_is_broken_by_absence_alone_is_open_where_packets_were_lost) {
  for (const auto& [id, pair] : pairs()) {
    Case one;
    pair.breaks(one);
    one.evidence.attempt.packets_lost = 1;
    const auto judgement = one.evidence.judged();
    const auto* verdict = find(judgement, id, "alice");
    ASSERT_NE(verdict, nullptr) << id;
    const bool open = id == "I-23" || id == "I-24" || id == "U-05" || id == "U-13" || id == "P-24" || id == "S-09";
    EXPECT_EQ(verdict->outcome == model::Outcome::inconclusive, open) << id;
  }
}

TEST(Requirements, another_allocation_on_the_same_socket_is_no_late_refresh) {
  Case one;
  const auto granted = [&](Moment at, StunMethod method, std::uint8_t id, std::uint32_t lifetime) {
    one.ask(at, {.method = method, .id = id, .transport = true});
    one.answer(at + ms(1), {.message_class = StunClass::success, .method = method, .id = id, .lifetime = lifetime});
  };
  granted(ms(1000), StunMethod::allocate, 1, 60);
  granted(ms(2000), StunMethod::refresh, 2, 0);
  granted(ms(3000), StunMethod::allocate, 3, 60);
  granted(ms(50'000), StunMethod::refresh, 4, 60);
  const auto judgement = one.evidence.judged();
  EXPECT_EQ(find(judgement, "U-05"), nullptr);
}

TEST(Requirements, a_nonce_that_the_server_hands_out_again_is_used_again) {
  for (const bool again : {false, true}) {
    Case one;
    for (std::uint8_t i = 1; i <= 2; ++i) {
      one.ask(ms(1000 * i),
              {.method = StunMethod::allocate, .id = i, .nonce = "one", .transport = true, .integrity = true});
      one.answer(ms(1000 * i + 1), {.message_class = StunClass::error,
                                    .method = StunMethod::allocate,
                                    .id = i,
                                    .nonce = again ? "one" : "other",
                                    .error = 438});
    }
    const auto judgement = one.evidence.judged();
    EXPECT_EQ(find(judgement, "S-10", "alice") == nullptr, again);
  }
}

// Happy eyeballs of TURN (RFC 8656 section 3.9): several transports ask one server side by side.
TEST(Requirements, an_allocation_that_was_under_way_when_the_quota_was_told_may_end) {
  for (const auto begun : {ms(1000), ms(1300)}) {
    Case one;
    const auto allocate = [](std::uint8_t id) {
      return Stun{.method = StunMethod::allocate, .id = id, .transport = true};
    };
    const auto refused = [](std::uint8_t id, unsigned error) {
      return Stun{.message_class = StunClass::error, .method = StunMethod::allocate, .id = id, .error = error};
    };
    one.ask(ms(1000), allocate(1)), one.answer(ms(1100), refused(1, 486));
    Tcp tcp(one.evidence, "alice.eth0", one.alice(), world("turn.crype.test", 3478));
    tcp.open(ms(990)).send(begun, stun(allocate(2))).receive(begun + ms(100), stun(refused(2, 401)));
    tcp.send(begun + ms(310), stun(allocate(3))).receive(begun + ms(320), stun(refused(3, 486)));
    const auto judgement = one.evidence.judged();
    const auto* verdict = find(judgement, "U-11", "alice");
    EXPECT_EQ(verdict != nullptr, begun == ms(1300));
  }
}

TEST(Requirements, what_is_sent_before_a_proxys_answer_is_in_the_tunnel_if_it_opens_and_behind_a_refusal_if_not) {
  for (const bool opened : {true, false}) {
    Case one;
    one.evidence.scenario.expectations = {{model::ExpectPath{"alice", {model::PathClass::relay_tls}, true}, 1}};
    auto tcp = one.proxy();
    tcp.open(ms(1000)).send(ms(1001), text(connect("turns.crype.test:443")));
    tcp.send(ms(1002), client_hello("turns.crype.test"));
    tcp.receive(ms(1003), text(opened ? "HTTP/1.1 200 OK\r\n\r\n" : kRefused));
    for (int i = 0; i < 20; ++i) {
      tcp.send(ms(1010 + 20 * i), tls_record(23, 120)).receive(ms(1020 + 20 * i), tls_record(23, 120));
    }
    direct_data(one.evidence, "bob", {one.evidence.address("bob"), 4000}, one.alice(), one.alice(), ms(1000));
    one.evidence.words(ms(1100));
    const auto judgement = one.evidence.judged();
    EXPECT_EQ(find(judgement, "P-05", "alice") == nullptr, opened);
    EXPECT_EQ(find(judgement, "path")->outcome, opened ? model::Outcome::pass : model::Outcome::fail);
  }
}

// A killed TURN server writes no deletion, and counts its sessions from the start again.
TEST(Requirements, an_allocation_of_a_server_that_began_anew_was_not_left_behind) {
  for (const bool leaks : {false, true}) {
    Case one;
    const auto turn = [&](Moment at, const std::string& kind) {
      one.evidence.event(at, model::Source::turn, "turn-a", kind,
                         {{"session", std::int64_t{0}}, {"user", std::string("1700:alice")}});
    };
    turn(ms(1000), "allocation");
    one.evidence.event(ms(2000), model::Source::lab, "turn-a", "service-restarted");
    turn(ms(3000), "allocation");
    one.evidence.ends(ms(5000));
    if (!leaks) turn(ms(5100), "delete");
    one.evidence.event(ms(9000), model::Source::rule, "office.edge", "counter");
    one.evidence.scenario.expectations = {{model::ExpectAllocations{}, 1}};
    const auto judgement = one.evidence.judged();
    EXPECT_EQ(find(judgement, "U-14", "alice") != nullptr, leaks);
    EXPECT_EQ(find(judgement, "allocations")->outcome, leaks ? model::Outcome::fail : model::Outcome::pass);
  }
}

// No check without the misbehaviour that it catches: the reference client breaks each rule on request, by its id.
TEST(Requirements, each_has_a_misbehaviour_and_evidence_that_trips_it) {
  std::ifstream file(std::string(CRYPELAB_SOURCE) + "/clients/reference/misbehaviour.cc");
  std::stringstream source;
  source << file.rdbuf();
  for (const auto& rule : requirements()) {
    const std::string id(rule.id);
    const auto at = source.str().find("\"" + id + "\", \"");
    ASSERT_NE(at, std::string::npos) << id << " has no misbehaviour";
    const auto begin = at + id.size() + 5;
    std::cout << id << "  " << rule.what << "  <-  "
              << source.str().substr(begin, source.str().find('"', begin) - begin) << "\n";
    EXPECT_TRUE(pairs().contains(id)) << id;
  }
  EXPECT_EQ(pairs().size(), requirements().size());
}

}  // namespace
}  // namespace crypelab::judge::requirements_test
