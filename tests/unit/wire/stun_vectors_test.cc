// The vectors of RFC 5769 and of RFC 8489 appendix B.1 as erratum 6268 corrects it. Each carries its own proof: an
// HMAC, and a CRC where it has one.
#include "harness/wire/stun.h"
#include "hex.h"

#include <string>

#include <gtest/gtest.h>

namespace crypelab::wire::stun_vectors_test {
namespace {

constexpr std::string_view password = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view transaction_hex = "b7e7a701 bc34d686 fa87dfae";
constexpr std::string_view long_term_transaction_hex = "78ad3433 c6ad72c0 29da412e";
constexpr std::string_view matrix = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9";

constexpr std::string_view request_hex =
    "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff"
    "80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249"
    "c1b571a2 80280004 e57a3bcf";
constexpr std::string_view ipv4_response_hex =
    "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643"
    "00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96";
constexpr std::string_view ipv6_response_hex =
    "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014 0002a147 0113a9fa"
    "a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c";
constexpr std::string_view long_term_hex =
    "00010060 2112a442 78ad3433 c6ad72c0 29da412e 00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000 0015001c"
    "662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341 0014000b 6578616d 706c652e 6f726700 00080014"
    "f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666";
constexpr std::string_view long_term_sha256_hex =
    "00010090 2112a442 78ad3433 c6ad72c0 29da412e 001e0020 4a3cf38f ef6992bd a952c678 0417da0f 24819415 569e60b2"
    "05c46e41 407f1704 00150029 6f624d61 744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39 46535476"
    "79363473 41000000 0014000b 6578616d 706c652e 6f726700 001d0004 00020000 001c0020 b5c7bf00 5b6c52a2 1c51c5e8"
    "92f81924 136296cb 927c4314 9309278c c6518e65";

TransactionId transaction(std::string_view hex) {
  TransactionId id{};
  const auto bytes = from_hex(hex);
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

std::vector<std::uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

TEST(StunVectors, the_sample_request_reads_verifies_and_is_written_alike) {
  const auto bytes = from_hex(request_hex);
  ASSERT_TRUE(looks_like_stun(bytes));
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message) << message.complaint();
  EXPECT_TRUE(message->is(StunMethod::binding, StunClass::request));
  EXPECT_EQ(message->transaction(), transaction(transaction_hex));
  EXPECT_EQ(message->text(StunAttribute::software), "STUN test client");
  EXPECT_EQ(message->number32(StunAttribute::priority), 0x6e0001ffu);
  EXPECT_EQ(message->number64(StunAttribute::ice_controlled), 0x932ff9b151263b36u);
  EXPECT_EQ(message->text(StunAttribute::username), "evtj:h6vY");
  EXPECT_EQ(check_integrity(*message, short_term_key(password)), StunCheck::valid);
  EXPECT_EQ(check_integrity(*message, short_term_key("VOkJxbRl1RmTxUk/WvJxBT")), StunCheck::invalid);
  EXPECT_EQ(check_integrity_sha256(*message, short_term_key(password)), StunCheck::absent);
  EXPECT_EQ(check_fingerprint(*message), StunCheck::valid);
  EXPECT_TRUE(message->unknown_required().empty());

  std::array<std::uint8_t, 200> buffer{};
  StunWriter writer(buffer, StunClass::request, StunMethod::binding, transaction(transaction_hex));
  writer.pad_with(0x20)
      .add_text(StunAttribute::software, "STUN test client")
      .add_u32(StunAttribute::priority, 0x6e0001ff)
      .add_u64(StunAttribute::ice_controlled, 0x932ff9b151263b36)
      .add_text(StunAttribute::username, "evtj:h6vY")
      .add_integrity(short_term_key(password))
      .add_fingerprint();
  EXPECT_EQ(copy(writer.bytes()), bytes);
}

TEST(StunVectors, the_sample_responses_hold_the_mapped_address_and_are_written_alike) {
  const std::pair<std::string_view, std::string_view> samples[] = {
      {ipv4_response_hex, "192.0.2.1:32853"}, {ipv6_response_hex, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}};
  for (const auto& [hex, mapped] : samples) {
    const auto bytes = from_hex(hex);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message) << message.complaint();
    EXPECT_TRUE(message->is(StunMethod::binding, StunClass::success));
    EXPECT_EQ(message->text(StunAttribute::software), "test vector");
    EXPECT_EQ(message->address(StunAttribute::xor_mapped_address), *parse_endpoint(mapped));
    EXPECT_EQ(check_integrity(*message, short_term_key(password)), StunCheck::valid);
    EXPECT_EQ(check_fingerprint(*message), StunCheck::valid);

    std::array<std::uint8_t, 200> buffer{};
    StunWriter writer(buffer, StunClass::success, StunMethod::binding, transaction(transaction_hex));
    writer.pad_with(0x20)
        .add_text(StunAttribute::software, "test vector")
        .add_address(StunAttribute::xor_mapped_address, *parse_endpoint(mapped))
        .add_integrity(short_term_key(password))
        .add_fingerprint();
    EXPECT_EQ(copy(writer.bytes()), bytes);
  }
}

TEST(StunVectors, the_long_term_request_verifies_with_the_md5_key) {
  const auto bytes = from_hex(long_term_hex);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message) << message.complaint();
  EXPECT_EQ(message->text(StunAttribute::username), matrix);
  EXPECT_EQ(message->text(StunAttribute::nonce), "f//499k954d6OL34oL9FSTvy64sA");
  EXPECT_EQ(message->text(StunAttribute::realm), "example.org");
  const auto key = long_term_key(PasswordAlgorithm::md5, matrix, "example.org", "TheMatrIX");
  EXPECT_EQ(check_integrity(*message, key.view()), StunCheck::valid);
  EXPECT_EQ(check_fingerprint(*message), StunCheck::absent);

  std::array<std::uint8_t, 200> buffer{};
  StunWriter writer(buffer, StunClass::request, StunMethod::binding, transaction(long_term_transaction_hex));
  writer.add_text(StunAttribute::username, matrix)
      .add_text(StunAttribute::nonce, "f//499k954d6OL34oL9FSTvy64sA")
      .add_text(StunAttribute::realm, "example.org")
      .add_integrity(key.view());
  EXPECT_EQ(copy(writer.bytes()), bytes);
}

TEST(StunVectors, the_sha256_request_verifies_with_userhash_and_the_sha256_key) {
  const auto bytes = from_hex(long_term_sha256_hex);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message) << message.complaint();
  const auto hashed = userhash(matrix, "example.org");
  ASSERT_TRUE(message->has(StunAttribute::userhash));
  EXPECT_EQ(copy(*message->find(StunAttribute::userhash)), copy(hashed.view()));
  const auto algorithms = message->password_algorithms(StunAttribute::password_algorithm);
  ASSERT_EQ(algorithms.size(), 1u);
  EXPECT_EQ(algorithms[0].algorithm, PasswordAlgorithm::sha256);
  const auto nonce = message->text(StunAttribute::nonce);
  ASSERT_TRUE(nonce);
  const auto features = security_features(*nonce);
  ASSERT_TRUE(features);
  EXPECT_TRUE(features->username_anonymity);
  EXPECT_FALSE(features->password_algorithms);
  const auto key = long_term_key(PasswordAlgorithm::sha256, matrix, "example.org", "TheMatrIX");
  EXPECT_EQ(check_integrity_sha256(*message, key.view()), StunCheck::valid);
  EXPECT_EQ(check_integrity(*message, key.view()), StunCheck::absent);

  std::array<std::uint8_t, 200> buffer{};
  StunWriter writer(buffer, StunClass::request, StunMethod::binding, transaction(long_term_transaction_hex));
  writer.add(StunAttribute::userhash, hashed.view())
      .add_text(StunAttribute::nonce, *nonce)
      .add_text(StunAttribute::realm, "example.org")
      .add_password_algorithm(PasswordAlgorithm::sha256)
      .add_integrity_sha256(key.view());
  EXPECT_EQ(copy(writer.bytes()), bytes);
}

TEST(StunVectors, any_bit_changed_before_the_integrity_is_seen) {
  const auto original = from_hex(long_term_sha256_hex);
  const auto key = long_term_key(PasswordAlgorithm::sha256, matrix, "example.org", "TheMatrIX");
  for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
    auto bytes = original;
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << bit % 8));
    const auto message = StunMessage::parse(bytes);
    EXPECT_FALSE(message && check_integrity_sha256(*message, key.view()) == StunCheck::valid) << "bit " << bit;
  }
}

}  // namespace
}  // namespace crypelab::wire::stun_vectors_test
