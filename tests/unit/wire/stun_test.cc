#include "harness/wire/stun.h"

#include "hex.h"

#include <string>

#include <gtest/gtest.h>

namespace crypelab::wire::stun_test {
namespace {

constexpr TransactionId id{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const Bytes key = bytes_of("secret");

std::vector<std::uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

template <class Fill>
std::vector<std::uint8_t> written(Fill fill, StunClass message_class = StunClass::request,
                                  StunMethod method = StunMethod::allocate) {
  std::array<std::uint8_t, 2000> buffer{};
  StunWriter writer(buffer, message_class, method, id);
  fill(writer);
  return copy(writer.bytes());
}

TEST(Stun, every_class_and_method_reads_back) {
  for (unsigned c = 0; c < 4; ++c) {
    for (unsigned m = 0; m < 0x1000; ++m) {
      const auto bytes = written([](StunWriter&) {}, StunClass(c), StunMethod(m));
      const auto message = StunMessage::parse(bytes);
      ASSERT_TRUE(message);
      ASSERT_EQ(message->message_class(), StunClass(c));
      ASSERT_EQ(message->method(), StunMethod(m));
    }
  }
  EXPECT_EQ(copy(Bytes(written([](StunWriter&) {}, StunClass::error, StunMethod::allocate)).first(2)),
            from_hex("0113"));
}

TEST(Stun, every_attribute_reads_back_as_it_was_written) {
  const auto v4 = *parse_endpoint("203.0.113.9:3478");
  const auto v6 = *parse_endpoint("[2001:db8::7]:49152");
  const std::array<StunAttribute, 2> unknown{StunAttribute{0x7f01}, StunAttribute{0x7f02}};
  const std::array<PasswordAlgorithm, 2> algorithms{PasswordAlgorithm::sha256, PasswordAlgorithm::md5};
  const auto bytes = written([&](StunWriter& writer) {
    writer.add_address(StunAttribute::mapped_address, v4)
        .add_address(StunAttribute::xor_mapped_address, v6)
        .add_address(StunAttribute::xor_peer_address, v4)
        .add_address(StunAttribute::xor_relayed_address, v6)
        .add_address(StunAttribute::alternate_server, v6)
        .add_address(StunAttribute::response_origin, v4)
        .add_address(StunAttribute::other_address, v6)
        .add_error(438, "Stale Nonce")
        .add_address_error({Family::v6, 440, "no IPv6"})
        .add_icmp({3, 4, 1200})
        .add_channel(0x4001)
        .add_response_port(5000)
        .add_family(StunAttribute::requested_address_family, Family::v6)
        .add_family(StunAttribute::additional_address_family, Family::v4)
        .add_transport(17)
        .add_even_port(true)
        .add_change_request({true, false})
        .add_unknown_attributes(unknown)
        .add_password_algorithms(algorithms)
        .add_u32(StunAttribute::lifetime, 600)
        .add_u64(StunAttribute::reservation_token, 0x0102030405060708)
        .add_text(StunAttribute::alternate_domain, "turn-b.crype.test")
        .add(StunAttribute::padding, from_hex("00000000"))
        .add(StunAttribute::dont_fragment);
  });
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message) << message.complaint();
  EXPECT_EQ(message->address(StunAttribute::mapped_address), v4);
  EXPECT_EQ(message->address(StunAttribute::xor_mapped_address), v6);
  EXPECT_EQ(message->address(StunAttribute::xor_peer_address), v4);
  EXPECT_EQ(message->address(StunAttribute::xor_relayed_address), v6);
  EXPECT_EQ(message->address(StunAttribute::alternate_server), v6);
  EXPECT_EQ(message->address(StunAttribute::response_origin), v4);
  EXPECT_EQ(message->address(StunAttribute::other_address), v6);
  ASSERT_TRUE(message->error());
  EXPECT_EQ(message->error()->code, 438u);
  EXPECT_EQ(message->error()->reason, "Stale Nonce");
  const auto address_error = decode_address_error(*message->find(StunAttribute::address_error_code));
  ASSERT_TRUE(address_error);
  EXPECT_EQ(address_error->family, Family::v6);
  EXPECT_EQ(address_error->code, 440u);
  EXPECT_EQ(address_error->reason, "no IPv6");
  const auto icmp = decode_icmp(*message->find(StunAttribute::icmp));
  ASSERT_TRUE(icmp);
  EXPECT_EQ(icmp->type, 3);
  EXPECT_EQ(icmp->code, 4);
  EXPECT_EQ(icmp->data, 1200u);
  EXPECT_EQ(message->number16(StunAttribute::channel_number), 0x4001);
  EXPECT_EQ(message->number16(StunAttribute::response_port), 5000);
  EXPECT_EQ(message->family(StunAttribute::requested_address_family), Family::v6);
  EXPECT_EQ(message->family(StunAttribute::additional_address_family), Family::v4);
  EXPECT_EQ(decode_protocol(*message->find(StunAttribute::requested_transport)), 17);
  EXPECT_EQ(decode_even_port(*message->find(StunAttribute::even_port)), true);
  const auto change = decode_change_request(*message->find(StunAttribute::change_request));
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->address);
  EXPECT_FALSE(change->port);
  const auto listed = decode_unknown_attributes(*message->find(StunAttribute::unknown_attributes));
  ASSERT_TRUE(listed);
  EXPECT_EQ(*listed, std::vector(unknown.begin(), unknown.end()));
  const auto offered = message->password_algorithms(StunAttribute::password_algorithms);
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].algorithm, PasswordAlgorithm::sha256);
  EXPECT_EQ(offered[1].algorithm, PasswordAlgorithm::md5);
  EXPECT_EQ(message->number32(StunAttribute::lifetime), 600u);
  EXPECT_EQ(message->number64(StunAttribute::reservation_token), 0x0102030405060708u);
  EXPECT_EQ(message->text(StunAttribute::alternate_domain), "turn-b.crype.test");
  EXPECT_TRUE(message->has(StunAttribute::padding));
  EXPECT_TRUE(message->has(StunAttribute::dont_fragment));
  EXPECT_FALSE(message->has(StunAttribute::use_candidate));
  EXPECT_TRUE(message->unknown_required().empty());
}

TEST(Stun, the_bytes_of_turn_attributes_are_those_of_the_rfc) {
  EXPECT_EQ(copy(Bytes(written([](StunWriter& w) { w.add_transport(17); })).subspan(20)),
            from_hex("00190004 11000000"));
  EXPECT_EQ(copy(Bytes(written([](StunWriter& w) { w.add_channel(0x4000); })).subspan(20)),
            from_hex("000c0004 40000000"));
  EXPECT_EQ(copy(Bytes(written([](StunWriter& w) { w.add_even_port(true); })).subspan(20)),
            from_hex("00180001 80000000"));
  EXPECT_EQ(copy(Bytes(written([](StunWriter& w) { w.add_error(401, "x"); })).subspan(20)),
            from_hex("00090005 00000401 78000000"));
  EXPECT_EQ(copy(Bytes(written([](StunWriter& w) {
                   w.add_icmp({3, 1, 0});
                 })).subspan(20)),
            from_hex("80040008 00000601 00000000"));
  EXPECT_EQ(copy(Bytes(written([](StunWriter& w) {
                   w.add_change_request({false, true});
                 })).subspan(20)),
            from_hex("00030004 00000002"));
}

TEST(Stun, what_is_not_a_whole_message_is_refused_with_a_reason) {
  const auto good = written([](StunWriter& w) { w.add_text(StunAttribute::realm, "example.org").add_fingerprint(); });
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(StunMessage::parse(Bytes(good).first(size))) << size;
    EXPECT_FALSE(looks_like_stun(Bytes(good).first(size))) << size;
  }
  auto longer = good;
  longer.push_back(0);
  EXPECT_FALSE(StunMessage::parse(longer));
  EXPECT_EQ(StunMessage::parse(from_hex("4001000021 12a442 0102030405060708090a0b0c")).complaint(),
            "STUN: the first two bits are not zero");
  EXPECT_EQ(StunMessage::parse(from_hex("00010000 2112a443 0102030405060708090a0b0c")).complaint(),
            "STUN: no magic cookie");
  EXPECT_EQ(StunMessage::parse(from_hex("00010001 2112a442 0102030405060708090a0b0c 00")).complaint(),
            "STUN: the length is not a multiple of four");
  EXPECT_EQ(StunMessage::parse(from_hex("00010004 2112a442 0102030405060708090a0b0c 00060004")).complaint(),
            "STUN: an attribute reaches beyond the message");
  EXPECT_FALSE(looks_like_stun(from_hex("16030100 2112a442 0102030405060708090a0b0c")));
}

TEST(Stun, unknown_comprehension_required_attributes_are_reported_once_and_optional_ones_are_not) {
  const auto bytes = written([](StunWriter& w) {
    w.add(StunAttribute{0x7fff})
        .add(StunAttribute{0x80ff})
        .add(StunAttribute{0x0099})
        .add(StunAttribute{0x7fff})
        .add_u32(StunAttribute::lifetime, 1)
        .add_integrity(key)
        .add(StunAttribute{0x7ffe});
  });
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->unknown_required(), (std::vector{StunAttribute{0x7fff}, StunAttribute{0x0099}}));
  const std::array understood{StunAttribute{0x7fff}, StunAttribute{0x0099}};
  EXPECT_EQ(message->unknown_required(understood), std::vector{StunAttribute::lifetime});
}

TEST(Stun, what_follows_the_integrity_is_not_believed) {
  const auto bytes = written([](StunWriter& w) {
    w.add_text(StunAttribute::username, "alice")
        .add_integrity(key)
        .add_u32(StunAttribute::lifetime, 3600)
        .add_integrity_sha256(key)
        .add_text(StunAttribute::realm, "forged")
        .add_integrity(bytes_of("other"))
        .add_fingerprint();
  });
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text(StunAttribute::username), "alice");
  EXPECT_FALSE(message->has(StunAttribute::lifetime));
  EXPECT_FALSE(message->has(StunAttribute::realm));
  EXPECT_EQ(check_integrity(*message, key), StunCheck::valid);
  EXPECT_EQ(check_integrity_sha256(*message, key), StunCheck::valid);
  EXPECT_EQ(check_fingerprint(*message), StunCheck::valid);
  int all = 0;
  for (const auto attribute : message->all_attributes()) all += attribute.type != StunAttribute{} ? 1 : 0;
  EXPECT_EQ(all, 7);
}

TEST(Stun, a_fingerprint_that_is_not_last_is_invalid) {
  const auto bytes = written([](StunWriter& w) { w.add_fingerprint().add_u32(StunAttribute::lifetime, 1); });
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(check_fingerprint(*message), StunCheck::invalid);
  EXPECT_FALSE(message->has(StunAttribute::lifetime));
}

TEST(Stun, truncated_sha256_integrity_is_valid_only_where_it_is_permitted) {
  const auto bytes = written([](StunWriter& w) { w.add_integrity_sha256(key, 16); });
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(check_integrity_sha256(*message, key), StunCheck::invalid);
  EXPECT_EQ(check_integrity_sha256(*message, key, 16), StunCheck::valid);
  const auto shorter = written([](StunWriter& w) { w.add_integrity_sha256(key, 12); });
  EXPECT_EQ(check_integrity_sha256(*StunMessage::parse(shorter), key, 0), StunCheck::invalid);
}

TEST(Stun, a_value_of_wrong_form_is_present_but_has_no_meaning) {
  const auto bytes = written([](StunWriter& w) {
    w.add(StunAttribute::xor_mapped_address, from_hex("0001a147e112a6"))
        .add(StunAttribute::lifetime, from_hex("0258"))
        .add(StunAttribute::error_code, from_hex("00000764"))
        .add(StunAttribute::password_algorithms, from_hex("0001ffff"))
        .add_text(StunAttribute::nonce, std::string(764, 'n'));
  });
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->has(StunAttribute::xor_mapped_address));
  EXPECT_FALSE(message->address(StunAttribute::xor_mapped_address));
  EXPECT_FALSE(message->number32(StunAttribute::lifetime));
  EXPECT_FALSE(message->error());
  EXPECT_TRUE(message->password_algorithms(StunAttribute::password_algorithms).empty());
  EXPECT_FALSE(message->text(StunAttribute::nonce));
  EXPECT_FALSE(decode_address(from_hex("0003 0001 00000000")));
  EXPECT_FALSE(decode_error_code(from_hex("00000200")));
}

TEST(Stun, password_algorithm_parameters_are_kept_and_skipped_over) {
  const auto list = from_hex("0009 0003 aabbcc00 0002 0000");
  const auto algorithms = decode_password_algorithms(list);
  ASSERT_TRUE(algorithms);
  ASSERT_EQ(algorithms->size(), 2u);
  EXPECT_EQ(copy((*algorithms)[0].parameters), from_hex("aabbcc"));
  EXPECT_EQ((*algorithms)[1].algorithm, PasswordAlgorithm::sha256);
  const auto two =
      written([](StunWriter& w) { w.add(StunAttribute::password_algorithm, from_hex("0001000000020000")); });
  EXPECT_TRUE(StunMessage::parse(two)->password_algorithms(StunAttribute::password_algorithm).empty());
}

TEST(Stun, a_buffer_that_is_too_small_gives_no_message_and_is_not_overrun) {
  const auto whole = written([](StunWriter& w) {
    w.add_text(StunAttribute::username, "alice").add_integrity(key).add_integrity_sha256(key).add_fingerprint();
  });
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<std::uint8_t> buffer(size + 1, 0xEE);
    StunWriter writer({buffer.data(), size}, StunClass::request, StunMethod::allocate, id);
    writer.add_text(StunAttribute::username, "alice").add_integrity(key).add_integrity_sha256(key).add_fingerprint();
    EXPECT_FALSE(writer.fits());
    EXPECT_TRUE(writer.bytes().empty());
    EXPECT_EQ(buffer[size], 0xEE);
  }
}

TEST(Stun, a_message_of_64_kB_fits_and_more_does_not) {
  std::vector<std::uint8_t> buffer(100'000);
  const std::vector<std::uint8_t> payload(65'528);
  StunWriter writer(buffer, StunClass::indication, StunMethod::send, id);
  writer.add(StunAttribute::data, payload);
  ASSERT_TRUE(writer.fits());
  EXPECT_EQ(StunMessage::parse(writer.bytes())->find(StunAttribute::data)->size(), payload.size());
  writer.add(StunAttribute::dont_fragment);
  EXPECT_FALSE(writer.fits());
}

TEST(StunCredentials, opaque_string_maps_spaces_and_refuses_what_cannot_be_typed) {
  EXPECT_EQ(*opaque_string("correct horse"), "correct horse");
  EXPECT_EQ(*opaque_string("a\u00A0b\u3000c"), "a b c");
  EXPECT_EQ(*opaque_string("\u30DE\u00FC\U0001F600"), "\u30DE\u00FC\U0001F600");
  EXPECT_EQ(*opaque_string("aB"), "aB");
  EXPECT_FALSE(opaque_string(""));
  EXPECT_FALSE(opaque_string("tab\there"));
  EXPECT_FALSE(opaque_string("soft\u00ADhyphen"));
  EXPECT_FALSE(opaque_string("zero\u200Bwidth"));
  for (const char* text : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                           "\xE3\x83", "\xEF\xBF\xBF"}) {
    EXPECT_FALSE(opaque_string(text)) << text;
  }
}

TEST(StunCredentials, the_nonce_cookie_says_what_the_server_can) {
  EXPECT_EQ(nonce_cookie({true, false}), "obMatJos2AAAB");
  EXPECT_EQ(nonce_cookie({true, true}), "obMatJos2AAAD");
  const auto both = security_features("obMatJos2AAADxyz");
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->password_algorithms);
  EXPECT_TRUE(both->username_anonymity);
  EXPECT_FALSE(security_features("obMatJos2AA"));
  EXPECT_FALSE(security_features("obMatJos2AA=B"));
  EXPECT_FALSE(security_features("f//499k954d6OL34oL9FSTvy64sA"));
}

TEST(StunCredentials, digests_are_the_well_known_ones) {
  EXPECT_EQ(lower_hex(long_term_key(PasswordAlgorithm::md5, "user", "realm", "pass").view()),
            "8493fbc53ba582fb4c044c456bdc40eb");
  EXPECT_EQ(lower_hex(hash(Hash::sha256, {bytes_of("a"), bytes_of("bc")}).view()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(lower_hex(hash(Hash::sha512_256, {bytes_of("abc")}).view()),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xCBF43926u);
  // RFC 2202 §3, test case 2; an empty key is a key.
  EXPECT_EQ(
      lower_hex(hmac(Hash::sha1, bytes_of("Jefe"), {bytes_of("what do ya want "), bytes_of("for nothing?")}).view()),
      "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(lower_hex(hmac(Hash::sha1, {}, {}).view()), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

}  // namespace
}  // namespace crypelab::wire::stun_test
