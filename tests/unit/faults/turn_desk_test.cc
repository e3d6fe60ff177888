#include "harness/faults/turn_desk.h"

#include "harness/wire/turn_frame.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace crypelab::faults::turn_desk_test {
namespace {

using namespace std::chrono_literals;
using wire::StunAttribute;
using wire::StunClass;
using wire::StunMethod;
using Text = std::vector<std::uint8_t>;

const TurnPath kAlice{TurnPath::Transport::udp, *parse_endpoint("203.0.113.20:3478"),
                      *parse_endpoint("198.18.0.2:5000")};
const Endpoint kPeer = *parse_endpoint("198.51.100.7:7000");

// Sockets that only remember.
class Sockets final : public TurnEdge {
 public:
  struct Sent {
    TurnPath to;
    Text message;
    Millis delay;
  };
  void send(const TurnPath& to, wire::Bytes message, Millis delay) override {
    sent.push_back({to, Text(message.begin(), message.end()), delay});
  }
  std::optional<Endpoint> open_relay(const TurnPath&, Family family) override {
    if (full) return std::nullopt;
    ++open;
    return *parse_endpoint(family == Family::v4 ? "203.0.113.20:50000" : "[2001:db8:113::20]:50000");
  }
  void close_relay(const TurnPath&) override { --open; }
  void relay(const TurnPath&, const Endpoint& peer, wire::Bytes payload) override {
    relayed.emplace_back(peer, std::string(wire::text_of(payload)));
  }

  std::vector<Sent> sent;
  std::vector<std::pair<Endpoint, std::string>> relayed;
  int open = 0;
  bool full = false;
};

TurnSettings settings() {
  TurnSettings settings;
  settings.realm = "crype.test";
  settings.users = {{"alice", "wonderland"}};
  settings.relays = {*parse_address("203.0.113.20"), *parse_address("2001:db8:113::20")};
  return settings;
}

struct Reply {
  Text bytes;
  unsigned error = 0;
  wire::StunMessage message() const { return *wire::StunMessage::parse(bytes); }
};

// A desk, and a client that does everything right.
class Desk {
 public:
  explicit Desk(TurnSettings given)
      : settings_(std::move(given)),
        journal_(open("/dev/null", O_WRONLY)),
        desk(settings_, sockets, journal_, "secret", 1000s) {}

  // Sends a request with what `fill` adds; with credentials once a nonce is there.
  template <class Fill>
  Reply ask(StunMethod method, Fill fill, TurnPath path = kAlice) {
    std::array<std::uint8_t, 2048> buffer{};
    ++transaction_[0];
    wire::StunWriter writer(buffer, StunClass::request, method, transaction_);
    fill(writer);
    if (!nonce.empty()) {
      writer.add_text(StunAttribute::username, user).add_text(StunAttribute::realm, "crype.test");
      writer.add_text(StunAttribute::nonce, nonce);
      if (sha256) {
        writer.add_password_algorithms(offered);
        writer.add_password_algorithm(wire::PasswordAlgorithm::sha256);
        writer.add_integrity_sha256(
            wire::long_term_key(wire::PasswordAlgorithm::sha256, user, "crype.test", password).view());
      } else {
        writer.add_integrity(wire::long_term_key(wire::PasswordAlgorithm::md5, user, "crype.test", password).view());
      }
    }
    last_.assign(writer.bytes().begin(), writer.bytes().end());
    return again(path);
  }
  // The last request once more, as a client repeats what is not answered.
  Reply again(TurnPath path = kAlice) {
    sockets.sent.clear();
    desk.from_client(path, last_, now);
    if (sockets.sent.empty()) return {};
    Reply reply{sockets.sent.front().message, 0};
    if (const auto error = reply.message().error()) reply.error = error->code;
    if (const auto fresh = reply.message().text(StunAttribute::nonce)) nonce = *fresh;
    return reply;
  }
  Reply allocate(TurnPath path = kAlice) {
    return ask(
        StunMethod::allocate, [](auto& writer) { writer.add_transport(17); }, path);
  }
  Reply refresh(std::uint32_t lifetime) {
    return ask(StunMethod::refresh, [&](auto& writer) { writer.add_u32(StunAttribute::lifetime, lifetime); });
  }
  Reply permit() {
    return ask(StunMethod::create_permission,
               [](auto& writer) { writer.add_address(StunAttribute::xor_peer_address, kPeer); });
  }
  Reply bind(std::uint16_t channel, Endpoint peer = kPeer) {
    return ask(StunMethod::channel_bind,
               [&](auto& writer) { writer.add_channel(channel).add_address(StunAttribute::xor_peer_address, peer); });
  }
  void log_in() { EXPECT_EQ(allocate().error, 401u); }

 private:
  TurnSettings settings_;
  Journal journal_;
  wire::TransactionId transaction_{};
  Text last_;

 public:
  Sockets sockets;
  TurnDesk desk;
  Millis now{0};
  std::string nonce;
  std::string user = "alice";
  std::string password = "wonderland";
  bool sha256 = false;
  std::vector<wire::PasswordAlgorithm> offered{wire::PasswordAlgorithm::sha256, wire::PasswordAlgorithm::md5};
};

TurnSettings with_rule(TurnOccasion on, TurnAct act, std::optional<unsigned> times = std::nullopt, unsigned skip = 0) {
  auto given = settings();
  given.rules.push_back({on, skip, times, std::move(act)});
  return given;
}

bool integrity_holds(const Reply& reply) {
  return wire::check_integrity(
             reply.message(),
             wire::long_term_key(wire::PasswordAlgorithm::md5, "alice", "crype.test", "wonderland").view()) ==
         wire::StunCheck::valid;
}

TEST(TurnDesk, an_allocation_lives_from_allocate_to_a_refresh_of_zero) {
  Desk desk(settings());
  desk.log_in();
  const auto reply = desk.allocate();
  ASSERT_EQ(reply.error, 0u);
  EXPECT_TRUE(integrity_holds(reply));
  EXPECT_EQ(reply.message().address(StunAttribute::xor_relayed_address), *parse_endpoint("203.0.113.20:50000"));
  EXPECT_EQ(reply.message().address(StunAttribute::xor_mapped_address), kAlice.client);
  EXPECT_EQ(reply.message().number32(StunAttribute::lifetime), 600u);
  EXPECT_EQ(desk.allocate().error, 437u);
  EXPECT_EQ(desk.sockets.open, 1);
  EXPECT_EQ(desk.refresh(0).error, 0u);
  EXPECT_EQ(desk.sockets.open, 0);
  EXPECT_EQ(desk.refresh(600).error, 437u);
}

// RFC 8656 section 7.2.
TEST(TurnDesk, a_request_for_an_allocation_that_is_repeated_is_answered_once_more) {
  Desk desk(settings());
  desk.log_in();
  ASSERT_EQ(desk.allocate().error, 0u);
  const auto again = desk.again();
  EXPECT_EQ(again.error, 0u);
  EXPECT_EQ(again.message().address(StunAttribute::xor_relayed_address), *parse_endpoint("203.0.113.20:50000"));
  EXPECT_EQ(desk.sockets.open, 1);
  EXPECT_EQ(desk.allocate().error, 437u);
}

TEST(TurnDesk, an_allocation_that_is_not_refreshed_ends) {
  Desk desk(settings());
  desk.log_in();
  ASSERT_EQ(desk.allocate().error, 0u);
  desk.desk.expire(599s);
  EXPECT_EQ(desk.sockets.open, 1);
  desk.desk.expire(600s);
  EXPECT_EQ(desk.sockets.open, 0);
}

TEST(TurnDesk, a_closed_connection_takes_its_allocation_along) {
  Desk desk(settings());
  desk.log_in();
  ASSERT_EQ(desk.allocate().error, 0u);
  desk.desk.gone(kAlice);
  EXPECT_EQ(desk.sockets.open, 0);
}

TEST(TurnDesk, data_passes_only_with_a_permission_and_by_channel_where_one_is_bound) {
  Desk desk(settings());
  desk.log_in();
  ASSERT_EQ(desk.allocate().error, 0u);
  const auto send = [&] {
    std::array<std::uint8_t, 256> buffer{};
    wire::StunWriter writer(buffer, StunClass::indication, StunMethod::send, {});
    writer.add_address(StunAttribute::xor_peer_address, kPeer).add_text(StunAttribute::data, "hello");
    desk.desk.from_client(kAlice, writer.bytes(), desk.now);
  };
  send();
  EXPECT_TRUE(desk.sockets.relayed.empty());
  desk.desk.from_peer(kAlice, kPeer, wire::bytes_of("early"), desk.now);
  ASSERT_EQ(desk.permit().error, 0u);
  send();
  ASSERT_EQ(desk.sockets.relayed.size(), 1u);
  EXPECT_EQ(desk.sockets.relayed[0], std::pair(kPeer, std::string("hello")));
  desk.sockets.sent.clear();
  desk.desk.from_peer(kAlice, kPeer, wire::bytes_of("back"), desk.now);
  ASSERT_EQ(desk.sockets.sent.size(), 1u);
  EXPECT_TRUE(wire::StunMessage::parse(desk.sockets.sent[0].message)->is(StunMethod::data, StunClass::indication));

  ASSERT_EQ(desk.bind(0x4000).error, 0u);
  desk.sockets.sent.clear();
  desk.desk.from_peer(kAlice, kPeer, wire::bytes_of("back"), desk.now);
  ASSERT_EQ(desk.sockets.sent.size(), 1u);
  EXPECT_EQ(wire::text_of(wire::parse_channel_data(desk.sockets.sent[0].message)->payload), "back");
  EXPECT_EQ(desk.bind(0x4001).error, 400u);
  EXPECT_EQ(desk.bind(0x4000, *parse_endpoint("198.51.100.8:7000")).error, 400u);
  EXPECT_EQ(desk.bind(0x5000, *parse_endpoint("198.51.100.8:7000")).error, 400u);

  desk.now = 300s;  // the permission is over (RFC 8656 section 9), the channel is not
  desk.sockets.relayed.clear();
  send();
  EXPECT_TRUE(desk.sockets.relayed.empty());
}

TEST(TurnDesk, wrong_credentials_and_old_nonces_are_refused) {
  auto given = settings();
  given.nonce_life = 30s;
  Desk desk(given);
  desk.log_in();
  desk.password = "wrong";
  EXPECT_EQ(desk.allocate().error, 401u);
  desk.password = "wonderland";
  desk.user = "mallory";
  EXPECT_EQ(desk.allocate().error, 401u);
  desk.user = "alice";
  desk.now = 31s;
  EXPECT_EQ(desk.allocate().error, 438u);
  EXPECT_EQ(desk.allocate().error, 0u);
  desk.nonce = "0-0011223344556677";
  EXPECT_EQ(desk.refresh(600).error, 438u);
}

TEST(TurnDesk, a_name_with_a_time_is_good_until_then) {
  auto given = settings();
  given.secret = "north";
  Desk desk(given);
  desk.log_in();
  desk.user = "1060:alice";  // the desk's clock began at 1000
  desk.password = "aqcBXReK8zIHrDkZUrX5av7fPSo=";
  EXPECT_EQ(desk.allocate().error, 0u);
  desk.now = 60s;
  EXPECT_EQ(desk.refresh(600).error, 401u);
}

TEST(TurnDesk, with_sha256_the_algorithms_are_listed_and_their_list_must_come_back) {
  auto given = settings();
  given.algorithms = TurnAlgorithms::sha256;
  Desk desk(given);
  const auto challenge = desk.allocate();
  EXPECT_TRUE(wire::security_features(desk.nonce)->password_algorithms);
  EXPECT_EQ(challenge.message().password_algorithms(StunAttribute::password_algorithms).size(), 2u);
  desk.sha256 = true;
  desk.offered = {wire::PasswordAlgorithm::sha256};
  EXPECT_EQ(desk.allocate().error, 400u);
  desk.offered.push_back(wire::PasswordAlgorithm::md5);
  const auto reply = desk.allocate();
  EXPECT_EQ(reply.error, 0u);
  EXPECT_TRUE(reply.message().integrity_sha256_offset());
  EXPECT_FALSE(reply.message().integrity_offset());
}

TEST(TurnDesk, a_bid_down_announces_algorithms_and_lists_none) {
  auto given = settings();
  given.algorithms = TurnAlgorithms::bid_down;
  Desk desk(given);
  const auto challenge = desk.allocate();
  EXPECT_TRUE(wire::security_features(desk.nonce)->password_algorithms);
  EXPECT_FALSE(challenge.message().has(StunAttribute::password_algorithms));
}

TEST(TurnDesk, a_rule_holds_for_so_many_requests_after_those_it_skips) {
  Desk desk(with_rule(TurnOccasion::allocate, {.error = 437}, 2, 1));
  desk.log_in();
  EXPECT_EQ(desk.allocate().error, 0u);
  EXPECT_EQ(desk.refresh(0).error, 0u);
  for (const unsigned expected : {437u, 437u, 0u}) EXPECT_EQ(desk.allocate().error, expected);
}

TEST(TurnDesk, a_rule_for_a_delete_leaves_other_refreshes_alone) {
  Desk desk(with_rule(TurnOccasion::remove, {.error = 437}));
  desk.log_in();
  ASSERT_EQ(desk.allocate().error, 0u);
  EXPECT_EQ(desk.refresh(600).error, 0u);
  EXPECT_EQ(desk.refresh(0).error, 437u);
}

TEST(TurnDesk, a_redirect_names_the_server_of_the_clients_family) {
  TurnAct act{.error = 300,
              .alternate = {*parse_endpoint("[2001:db8:100::20]:3478"), *parse_endpoint("198.51.100.20:3478")}};
  Desk desk(with_rule(TurnOccasion::allocate, act));
  desk.log_in();
  const auto reply = desk.allocate();
  EXPECT_EQ(reply.error, 300u);
  EXPECT_EQ(reply.message().address(StunAttribute::alternate_server), *parse_endpoint("198.51.100.20:3478"));
}

TEST(TurnDesk, lies_about_integrity_and_attributes_nobody_knows) {
  Desk bad(with_rule(TurnOccasion::allocate, {.bad_integrity = true}));
  bad.log_in();
  const auto broken = bad.allocate();
  EXPECT_TRUE(broken.message().integrity_offset());
  EXPECT_FALSE(integrity_holds(broken));
  Desk none(with_rule(TurnOccasion::allocate, {.no_integrity = true}));
  none.log_in();
  EXPECT_FALSE(none.allocate().message().integrity_offset());
  Desk required(with_rule(TurnOccasion::allocate, {.unknown_required = true}));
  required.log_in();
  EXPECT_EQ(required.allocate().message().unknown_required().size(), 1u);
  Desk optional(with_rule(TurnOccasion::allocate, {.unknown_optional = true}));
  optional.log_in();
  const auto reply = optional.allocate();
  EXPECT_TRUE(reply.message().unknown_required().empty());
  EXPECT_TRUE(reply.message().has(StunAttribute{0xFFF1}));
}

TEST(TurnDesk, grants_what_the_script_grants_says_nothing_and_waits) {
  Desk brief(with_rule(TurnOccasion::any, {.lifetime = 60}));
  brief.log_in();
  EXPECT_EQ(brief.allocate().message().number32(StunAttribute::lifetime), 60u);
  brief.now = 60s;
  EXPECT_EQ(brief.refresh(600).error, 437u);
  Desk silent(with_rule(TurnOccasion::allocate, {.silent = true}));
  silent.log_in();
  EXPECT_TRUE(silent.allocate().bytes.empty());
  Desk slow(with_rule(TurnOccasion::allocate, {.delay = 200ms}));
  slow.log_in();
  slow.allocate();
  EXPECT_EQ(slow.sockets.sent.front().delay, 200ms);
}

TEST(TurnDesk, gives_the_other_family_and_data_that_nobody_asked_for) {
  Desk other(with_rule(TurnOccasion::allocate, {.other_family = true}));
  other.log_in();
  EXPECT_FALSE(other.allocate().message().address(StunAttribute::xor_relayed_address)->address.is_v4());
  Desk uninvited(with_rule(TurnOccasion::create_permission, {.uninvited = true}));
  uninvited.log_in();
  ASSERT_EQ(uninvited.allocate().error, 0u);
  ASSERT_EQ(uninvited.permit().error, 0u);
  ASSERT_EQ(uninvited.sockets.sent.size(), 2u);
  const auto data = wire::StunMessage::parse(uninvited.sockets.sent[1].message);
  EXPECT_TRUE(data->is(StunMethod::data, StunClass::indication));
  EXPECT_NE(data->address(StunAttribute::xor_peer_address)->address, kPeer.address);
}

TEST(TurnDesk, refuses_what_it_does_not_have) {
  auto four_only = settings();
  four_only.relays.pop_back();
  Desk desk(four_only);
  desk.log_in();
  const auto six = desk.ask(StunMethod::allocate, [](auto& writer) {
    writer.add_transport(17).add_family(StunAttribute::requested_address_family, Family::v6);
  });
  EXPECT_EQ(six.error, 440u);
  EXPECT_EQ(desk.ask(StunMethod::allocate, [](auto& writer) { writer.add_transport(6); }).error, 442u);
  EXPECT_EQ(desk.ask(StunMethod::allocate, [](auto&) {}).error, 400u);
  desk.sockets.full = true;
  EXPECT_EQ(desk.allocate().error, 508u);
  EXPECT_EQ(
      desk.ask(StunMethod::allocate, [](auto& writer) { writer.add_transport(17).add_u32(StunAttribute{0x7ABC}, 0); })
          .error,
      420u);
}

TEST(TurnDesk, of_hundreds_of_unknown_attributes_the_first_are_named_in_a_whole_answer) {
  Desk desk(settings());
  desk.log_in();
  const auto reply = desk.ask(StunMethod::allocate, [](auto& writer) {
    for (unsigned i = 0; i < 150; ++i) writer.add_u32(StunAttribute{static_cast<std::uint16_t>(0x4000 + i)}, i);
  });
  ASSERT_EQ(reply.error, 420u);
  EXPECT_TRUE(integrity_holds(reply));
  const auto named = reply.message().find(StunAttribute::unknown_attributes);
  ASSERT_TRUE(named);
  EXPECT_EQ(named->size(), 32u);
  EXPECT_EQ(wire::load<std::uint16_t>(*named, 30), 0x400f);
}

}  // namespace
}  // namespace crypelab::faults::turn_desk_test
