#include "harness/probe/reflector.h"

#include "harness/probe/bindings.h"
#include "harness/probe/conversation.h"
#include "harness/probe/opening.h"
#include "harness/wire/client_hello.h"

#include <gtest/gtest.h>

namespace crypelab::probe::reflector_test {
namespace {

using namespace std::chrono_literals;

const std::vector<Endpoint> kSockets{*parse_endpoint("198.51.100.90:3478"), *parse_endpoint("198.51.100.90:3479"),
                                     *parse_endpoint("198.51.100.91:3478"), *parse_endpoint("198.51.100.91:3479"),
                                     *parse_endpoint("[2001:db8::90]:3478")};
const Endpoint kClient = *parse_endpoint("198.18.0.2:5000");

std::vector<Outgoing> ask(Reflector& reflector, std::vector<std::uint8_t> bytes, const Endpoint& from = kClient) {
  reflector.receive(0, from, bytes, Time(0));
  return reflector.take();
}

std::uint64_t open(Reflector& reflector, const Endpoint& from = kClient) {
  return decode_packet(ask(reflector, encode_packet({.kind = Kind::hello}), from).at(0).bytes)->session;
}

TEST(binding_server, answers_from_where_it_is_asked_to) {
  Reflector reflector(kSockets, 1);
  EXPECT_EQ(ask(reflector, binding_request({})).at(0).socket, 0u);
  EXPECT_EQ(ask(reflector, binding_request({}, {false, true})).at(0).socket, 1u);
  EXPECT_EQ(ask(reflector, binding_request({}, {true, false})).at(0).socket, 2u);
  EXPECT_EQ(ask(reflector, binding_request({}, {true, true})).at(0).socket, 3u);
}

TEST(binding_server, says_who_was_seen_and_where_else_it_is) {
  Reflector reflector(kSockets, 1);
  const auto answer = ask(reflector, binding_request({}, {true, true})).at(0);
  const auto message = wire::StunMessage::parse(answer.bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->address(wire::StunAttribute::xor_mapped_address), kClient);
  EXPECT_EQ(message->address(wire::StunAttribute::other_address), kSockets[3]);
  EXPECT_EQ(message->address(wire::StunAttribute::response_origin), kSockets[3]);
}

TEST(binding_server, with_one_address_cannot_change_it) {
  const auto answer =
      answer_binding(kSockets, 4, *parse_endpoint("[2001:db8::5]:5"), binding_request({}, {true, false}), false);
  ASSERT_TRUE(answer);
  const auto message = wire::StunMessage::parse(answer->bytes);
  EXPECT_EQ(message->error()->code, 420u);
  EXPECT_FALSE(message->has(wire::StunAttribute::other_address));
}

TEST(binding_server, response_port_is_honoured_at_the_same_address_only) {
  Reflector reflector(kSockets, 1);
  const auto answer = ask(reflector, binding_request({}, {}, 4242)).at(0);
  EXPECT_EQ(answer.to, (Endpoint{kClient.address, 4242}));
}

TEST(binding_server, answers_no_answer) {
  Reflector reflector(kSockets, 1);
  const auto answer = ask(reflector, binding_request({})).at(0).bytes;
  EXPECT_TRUE(ask(reflector, answer).empty());
}

TEST(reflector, gives_no_more_than_it_gets_without_a_session) {
  Reflector reflector(kSockets, 1);
  for (int kind = 0; kind < 256; ++kind) {
    auto bytes =
        encode_packet({.kind = Kind::hello, .session = 99, .number = 50, .parameter = 1400, .microseconds = 1});
    bytes[5] = static_cast<std::uint8_t>(kind);
    std::size_t total = 0;
    for (const auto& outgoing : ask(reflector, bytes)) total += outgoing.bytes.size();
    EXPECT_LE(total, bytes.size()) << kind;
  }
  EXPECT_FALSE(reflector.next());
}

TEST(reflector, a_session_belongs_to_its_address) {
  Reflector reflector(kSockets, 1);
  const auto session = open(reflector);
  const auto stolen = encode_packet({.kind = Kind::source, .session = session, .number = 10, .parameter = 100});
  EXPECT_TRUE(ask(reflector, stolen, {kClient.address, 5001}).empty());
  EXPECT_FALSE(ask(reflector, stolen).empty());
}

TEST(reflector, sessions_and_sources_are_bounded) {
  ReflectorLimits limits;
  limits.sessions = 8;
  limits.sources = 2;
  limits.source_packets = 20;
  Reflector reflector(kSockets, 1, limits);
  const auto first = open(reflector, {kClient.address, 1});
  for (std::uint16_t port = 2; port < 100; ++port) open(reflector, {kClient.address, port});
  const auto request = encode_packet({.kind = Kind::report_request, .session = first});
  EXPECT_TRUE(ask(reflector, request, {kClient.address, 1}).empty());

  std::size_t packets = 0;
  for (std::uint16_t port = 200; port < 205; ++port) {
    const Endpoint from{kClient.address, port};
    packets += ask(reflector,
                   encode_packet({.kind = Kind::source,
                                  .session = open(reflector, from),
                                  .number = 1'000'000,
                                  .parameter = 9999,
                                  .microseconds = 10}),
                   from)
                   .size();
  }
  while (const auto next = reflector.next()) {
    reflector.wake(*next);
    packets += reflector.take().size();
  }
  EXPECT_EQ(packets, 40u);
}

TEST(reflector, reports_what_came) {
  Reflector reflector(kSockets, 1);
  const auto session = open(reflector);
  for (const std::uint32_t number : {1u, 3u, 2u, 2u}) {
    ask(reflector, encode_packet({.kind = Kind::data, .session = session, .number = number}, 100));
  }
  const auto report =
      decode_report(ask(reflector, encode_packet({.kind = Kind::report_request, .session = session})).at(0).bytes);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->received, 3u);
  EXPECT_EQ(report->duplicated, 1u);
  EXPECT_EQ(report->reordered, 1u);
  EXPECT_EQ(report->bytes, 400u);
  EXPECT_EQ(report->seen.at(0), 0b111);
}

std::vector<std::uint8_t> said(Conversation& conversation) {
  const auto bytes = conversation.outgoing();
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  conversation.sent(copy.size(), Time(0));
  return copy;
}

TEST(conversation, stun_is_answered_byte_by_byte_too) {
  Conversation conversation(kSockets, 0, kClient);
  for (const auto byte : binding_request(Transactions(1).at(7))) conversation.receive(wire::Bytes(&byte, 1), Time(0));
  const auto binding = parse_binding(said(conversation));
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->mapped, kClient);
  EXPECT_EQ(conversation.take_tokens().size(), 1u);
  EXPECT_FALSE(conversation.over());
}

TEST(conversation, an_opening_is_passed_over_and_is_what_it_says) {
  for (const auto opening : {measure::Opening::tls, measure::Opening::http}) {
    measure::Reach ask{};
    ask.token = "00112233445566778899aabb";
    ask.opening = opening;
    ask.server_name = "reflector.crype.test";
    ask.protocols = {"h2", "stun.turn"};
    auto bytes = opening_bytes(ask);
    if (opening == measure::Opening::tls) {
      wire::ClientHelloParser parser;
      ASSERT_EQ(parser.feed(bytes), wire::ClientHelloParser::State::hello) << parser.reason();
      EXPECT_EQ(parser.hello().server_name, ask.server_name);
      EXPECT_EQ(parser.hello().alpn, ask.protocols);
    }
    const auto request = binding_request(Transactions(1).at(7));
    bytes.insert(bytes.end(), request.begin(), request.end());
    Conversation conversation(kSockets, 0, kClient);
    for (const auto byte : bytes) conversation.receive(wire::Bytes(&byte, 1), Time(0));
    EXPECT_TRUE(parse_binding(said(conversation)));
  }
  Conversation endless(kSockets, 0, kClient);
  endless.receive(std::vector<std::uint8_t>(largest_opening, 'G'), Time(0));
  EXPECT_TRUE(endless.over());
}

TEST(conversation, an_echo_comes_back) {
  Conversation conversation(kSockets, 0, kClient);
  auto bytes = encode_packet({.kind = Kind::echo});
  bytes.push_back(42);
  conversation.receive(bytes, Time(0));
  EXPECT_EQ(said(conversation), std::vector<std::uint8_t>{42});
}

TEST(conversation, a_sink_reports_at_the_end) {
  Conversation conversation(kSockets, 0, kClient);
  conversation.receive(encode_packet({.kind = Kind::data}), Time(0));
  conversation.receive(std::vector<std::uint8_t>(1000), Time(0));
  conversation.finished(Time(10));
  EXPECT_EQ(decode_report(said(conversation))->bytes, 1000u);
  EXPECT_TRUE(conversation.over());
}

TEST(conversation, a_source_ends_in_time_whatever_was_asked) {
  Conversation conversation(kSockets, 0, kClient);
  conversation.receive(encode_packet({.kind = Kind::source, .microseconds = UINT64_MAX}), Time(0));
  EXPECT_FALSE(conversation.outgoing().empty());
  conversation.sent(conversation.outgoing().size(), Time(9s));
  EXPECT_FALSE(conversation.outgoing().empty());
  conversation.sent(conversation.outgoing().size(), Time(11s));
  EXPECT_TRUE(conversation.over());
}

TEST(conversation, a_reader_that_does_not_read_is_not_read_from) {
  Conversation conversation(kSockets, 0, kClient);
  conversation.receive(encode_packet({.kind = Kind::echo}), Time(0));
  conversation.receive(std::vector<std::uint8_t>(Conversation::max_outgoing), Time(0));
  EXPECT_FALSE(conversation.may_read());
}

TEST(conversation, junk_ends_it) {
  for (const std::string_view junk :
       {"\x16\x03\x01\x02\x00", "GET / HTTP/1.1\r\n", "CRYM????????????????????????????"}) {
    Conversation conversation(kSockets, 0, kClient);
    conversation.receive(wire::bytes_of(junk), Time(0));
    conversation.receive(std::vector<std::uint8_t>(largest_opening), Time(0));
    EXPECT_TRUE(conversation.over()) << junk;
  }
}

}  // namespace
}  // namespace crypelab::probe::reflector_test
