#include "harness/wire/client_hello.h"

#include "hex.h"

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace crypelab::wire::client_hello_test {
namespace {

using Buffer = std::vector<std::uint8_t>;
using State = ClientHelloParser::State;

// What a client of the crypto library sends first.
Buffer client_hello(const std::function<void(SSL*)>& settings) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  settings(ssl.get());
  SSL_do_handshake(ssl.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  const auto bytes = bytes_of({data, static_cast<std::size_t>(size)});
  return {bytes.begin(), bytes.end()};
}

void set_name(SSL* ssl, const char* name) {
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name));
}

Buffer modern() {
  return client_hello([](SSL* ssl) {
    set_name(ssl, "turns.crype.test");
    const auto alpn = from_hex("097374756e2e7475726e 0268 32");
    SSL_set_alpn_protos(ssl, alpn.data(), static_cast<unsigned>(alpn.size()));
  });
}

Buffer with_many_alpns(unsigned count) {
  return client_hello([&](SSL* ssl) {
    set_name(ssl, "turns.crype.test");
    Buffer alpn;
    for (unsigned i = 0; i < count; ++i) {
      const std::string name = "protocol-number-" + std::to_string(10'000 + i);
      alpn.push_back(static_cast<std::uint8_t>(name.size()));
      alpn.insert(alpn.end(), name.begin(), name.end());
    }
    SSL_set_alpn_protos(ssl, alpn.data(), static_cast<unsigned>(alpn.size()));
  });
}

// Feeds one byte after the other; the number of bytes after which the state was no longer `more`.
std::size_t bytes_until_decided(ClientHelloParser& parser, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (parser.feed(bytes.subspan(i, 1)) != State::more) return i + 1;
  }
  return 0;
}

// The same handshake message in records of `size` bytes of content.
Buffer in_records_of(const Buffer& hello, std::size_t size) {
  Buffer out;
  const Bytes message = Bytes(hello).subspan(5);
  for (std::size_t at = 0; at < message.size(); at += size) {
    const Bytes part = message.subspan(at, std::min(size, message.size() - at));
    out.insert(out.end(),
               {22, 3, 1, static_cast<std::uint8_t>(part.size() >> 8), static_cast<std::uint8_t>(part.size() & 0xff)});
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

TEST(ClientHello, a_tls_1_3_hello_is_read) {
  const auto bytes = modern();
  ClientHelloParser parser;
  ASSERT_EQ(parser.feed(bytes), State::hello) << parser.reason();
  const auto& hello = parser.hello();
  EXPECT_EQ(hello.server_name, "turns.crype.test");
  EXPECT_EQ(hello.alpn, (std::vector<std::string>{"stun.turn", "h2"}));
  EXPECT_EQ(hello.legacy_version, 0x0303);
  EXPECT_TRUE(hello.offers_version(0x0304));
  EXPECT_TRUE(hello.offers_version(0x0303));
  EXPECT_FALSE(hello.offers_version(0x0300));
  EXPECT_EQ(hello.compression_methods, Buffer{0});
  EXPECT_FALSE(hello.cipher_suites.empty());
  EXPECT_EQ(hello.cipher_suites[0], 0x1302);
  EXPECT_EQ(hello.key_share_groups, std::vector<std::uint16_t>{0x001d});
  EXPECT_EQ(hello.supported_groups[0], 0x001d);
  EXPECT_TRUE(hello.has_extension(51));
  EXPECT_FALSE(hello.has_extension(0xfe0d));
  EXPECT_EQ(hello.size + 5, bytes.size());
}

TEST(ClientHello, a_tls_1_2_hello_without_name_is_read) {
  const auto bytes = client_hello([](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); });
  ClientHelloParser parser;
  ASSERT_EQ(parser.feed(bytes), State::hello) << parser.reason();
  EXPECT_FALSE(parser.hello().server_name);
  EXPECT_TRUE(parser.hello().alpn.empty());
  EXPECT_TRUE(parser.hello().offers_version(0x0303));
  EXPECT_FALSE(parser.hello().offers_version(0x0304));
}

TEST(ClientHello, real_hellos_split_at_every_byte_are_undecided_until_the_last_one) {
  for (const auto& bytes : {modern(), with_many_alpns(100), in_records_of(modern(), 1), in_records_of(modern(), 100)}) {
    ClientHelloParser one_by_one;
    EXPECT_EQ(bytes_until_decided(one_by_one, bytes), bytes.size()) << one_by_one.reason();
    EXPECT_EQ(one_by_one.state(), State::hello);
    for (std::size_t split = 1; split < bytes.size(); ++split) {
      ClientHelloParser parser;
      ASSERT_EQ(parser.feed(Bytes(bytes).first(split)), State::more) << split << parser.reason();
      ASSERT_EQ(parser.feed(Bytes(bytes).subspan(split)), State::hello) << split << parser.reason();
      ASSERT_EQ(parser.hello().server_name, "turns.crype.test");
      ASSERT_EQ(parser.hello().alpn, one_by_one.hello().alpn);
      ASSERT_EQ(parser.hello().extensions, one_by_one.hello().extensions);
    }
  }
}

TEST(ClientHello, hellos_of_post_quantum_size_pass_and_above_16_kB_are_too_large) {
  const auto large = with_many_alpns(300);
  ASSERT_GT(large.size(), 6'000u);
  ClientHelloParser parser;
  ASSERT_EQ(parser.feed(large), State::hello) << parser.reason();
  EXPECT_EQ(parser.hello().alpn.size(), 300u);

  const auto huge = with_many_alpns(800);
  ASSERT_GT(huge.size(), 16'389u);
  ClientHelloParser refusing;
  EXPECT_EQ(bytes_until_decided(refusing, huge), 8u);
  EXPECT_EQ(refusing.state(), State::too_large);
  EXPECT_NE(refusing.reason().find("at most 16384"), std::string::npos) << refusing.reason();

  ClientHelloParser forged;
  EXPECT_EQ(bytes_until_decided(forged, from_hex("1603010200 01 01")), 7u);
  EXPECT_EQ(forged.state(), State::too_large);
}

TEST(ClientHello, what_is_not_tls_is_told_at_its_first_impossible_byte) {
  const std::pair<std::string_view, std::size_t> others[] = {
      {"GET / HTTP/1.1\r\n", 1},
      {"SSH-2.0-OpenSSH_9.2\r\n", 1},
      {std::string_view("\x00\x03\x00\x24\x21\x12\xa4\x42", 8), 1},  // STUN
      {std::string_view("\x80\x2e\x01\x03\x01", 5), 1},              // SSLv2
      {std::string_view("\x16\x02\x01", 3), 2},
      {std::string_view("\x16\x03\x05", 3), 3},
      {std::string_view("\x16\x03\x01\x41\x00", 5), 4},
      {std::string_view("\x16\x03\x01\x40\x01\x01", 6), 5},
      {std::string_view("\x16\x03\x01\x00\x00\x16", 6), 5},
      {std::string_view("\x16\x03\x01\x02\x00\x02", 6), 6},                   // ServerHello
      {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x00\x20", 9), 9},       // too short
      {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xf0\x03", 10), 9},  // more in the record
      {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x02", 10), 10},
      {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x05", 11), 11},
  };
  for (const auto& [text, first_impossible] : others) {
    ClientHelloParser parser;
    EXPECT_EQ(bytes_until_decided(parser, bytes_of(text)), first_impossible) << text << parser.reason();
    EXPECT_EQ(parser.state(), State::not_tls) << text;
    EXPECT_FALSE(parser.reason().empty());
  }
}

// A hello that is valid but for what a test does to it.
Buffer hello_with(std::string_view extensions_hex, std::string_view head_hex = "00 0002 1301 01 00") {
  const auto extensions = from_hex(extensions_hex);
  const auto head = from_hex(head_hex);
  Buffer body{3, 3};
  body.resize(34, 7);
  body.insert(body.end(), head.begin(), head.end());
  if (!extensions_hex.empty()) {
    body.insert(body.end(), {static_cast<std::uint8_t>(extensions.size() >> 8),
                             static_cast<std::uint8_t>(extensions.size() & 0xff)});
    body.insert(body.end(), extensions.begin(), extensions.end());
  }
  Buffer bytes{22, 3, 1, 0, 0, 1, 0, 0, 0};
  bytes.insert(bytes.end(), body.begin(), body.end());
  store(std::span(bytes.data(), bytes.size()), 3, static_cast<std::uint16_t>(body.size() + 4));
  store(std::span(bytes.data(), bytes.size()), 7, static_cast<std::uint16_t>(body.size()));
  return bytes;
}

TEST(ClientHello, is_read_with_unknown_and_grease_extensions_and_without_any) {
  const auto bytes = hello_with("0a0a 0000  1a1a 0001 00  002b 0005 04 2a2a 0304  0010 0005 0003 02 6832");
  ClientHelloParser parser;
  ASSERT_EQ(parser.feed(bytes), State::hello) << parser.reason();
  EXPECT_TRUE(is_grease(parser.hello().extensions[0]));
  EXPECT_TRUE(is_grease(parser.hello().supported_versions[0]));
  EXPECT_FALSE(is_grease(0x1301));
  EXPECT_FALSE(is_grease(0x0a1a));
  EXPECT_TRUE(parser.hello().offers_version(0x0304));
  EXPECT_EQ(parser.hello().alpn, std::vector<std::string>{"h2"});

  ClientHelloParser old;
  EXPECT_EQ(old.feed(hello_with("")), State::hello) << old.reason();
}

TEST(ClientHello, lengths_that_do_not_add_up_are_not_tls) {
  const std::pair<const char*, const char*> cases[] = {
      {"0000 0009 0008 00 0004 61626364", "the server name list reaches beyond what holds it"},
      {"0000 0009 0007 00 0005 61626364", "a host name reaches beyond what holds it"},
      {"0000 0009 0007 01 0004 61626364", "a server name that is not a host name"},
      {"0000 0009 0007 00 0004 61620064", "a host name that is not printable ASCII"},
      {"0000 000c 000a 00 0002 6162 00 0002 6364", "two host names"},
      {"0000 000a 0007 00 0004 61626364 00", "bytes behind the server name list"},
      {"0010 0005 0003 03 6832", "an ALPN identifier reaches beyond what holds it"},
      {"0010 0005 0003 00 6832", "an ALPN identifier has an impossible length"},
      {"002b 0004 03 030403", "the list of versions has an impossible length"},
      {"000a 0004 0003 001d", "the list of groups reaches beyond what holds it"},
      {"0033 0006 0004 001d 0001", "a key share reaches beyond what holds it"},
      {"0033 0006 0004 001d 0000", "a key share has an impossible length"},
      {"0017 0001", "an extension reaches beyond what holds it"},
      {"0017 0000 0017 0000", "extension 23 occurs twice"},
      {"0017 0000 00", "no room for an extension"},
  };
  for (const auto& [extensions, reason] : cases) {
    ClientHelloParser parser;
    const auto bytes = hello_with(extensions);
    bytes_until_decided(parser, bytes);
    EXPECT_EQ(parser.state(), State::not_tls) << extensions;
    EXPECT_EQ(parser.reason(), reason) << extensions;
    ClientHelloParser at_once;
    EXPECT_EQ(at_once.feed(bytes), State::not_tls) << extensions;
  }
  const std::pair<const char*, const char*> heads[] = {
      {"21 0002 1301 01 00", "the session id reaches beyond what holds it"},
      {"00 0003 130100 01 00", "the list of cipher suites has an impossible length"},
      {"00 0000 01 00 0000", "the list of cipher suites has an impossible length"},
      {"00 0002 1301 01 01", "the compression methods lack the null method"},
      {"00 0002 1301 01 00 0001", "the list of extensions reaches beyond what holds it"},
      {"00 0002 1301 01 00 0000 00", "bytes behind the extensions"},
      {"00 0002 1301 01 00 00", "the list of extensions reaches beyond what holds it"},
  };
  for (const auto& [head, reason] : heads) {
    ClientHelloParser parser;
    bytes_until_decided(parser, hello_with("", head));
    EXPECT_EQ(parser.state(), State::not_tls) << head;
    EXPECT_EQ(parser.reason(), reason) << head;
  }
}

TEST(ClientHello, a_length_inside_an_extension_is_judged_before_the_extension_is_whole) {
  const auto bytes = hello_with("0000 0040 0039 00 0004" + std::string(2 * 59, '6'));
  ClientHelloParser parser;
  const std::size_t extension_at = 5 + 4 + 34 + 7 + 2;
  // The list must be as long as the extension less two: its second byte says that it is not.
  EXPECT_EQ(bytes_until_decided(parser, bytes), extension_at + 6);
  EXPECT_EQ(parser.reason(), "bytes behind the server name list");
}

TEST(ClientHello, a_record_that_is_no_handshake_in_the_middle_of_the_hello_is_not_tls) {
  auto bytes = in_records_of(modern(), 50);
  bytes[55] = 20;
  ClientHelloParser parser;
  EXPECT_EQ(bytes_until_decided(parser, bytes), 56u);
  EXPECT_EQ(parser.state(), State::not_tls);
}

TEST(ClientHello, the_largest_list_byte_by_byte_is_read_whole) {
  std::string list;
  for (int i = 0; i < 8000; ++i) list += "0161";
  const auto bytes = hello_with("0010 3e82 3e80" + list);
  ClientHelloParser parser;
  // Reading the list anew with each byte would take seconds here, and minutes of a gate's time from a hostile client.
  EXPECT_EQ(bytes_until_decided(parser, bytes), bytes.size()) << parser.reason();
  EXPECT_EQ(parser.state(), State::hello);
  EXPECT_EQ(parser.hello().alpn.size(), 8000u);
}

TEST(ClientHello, bytes_behind_the_hello_are_left_alone) {
  auto bytes = modern();
  bytes.insert(bytes.end(), {20, 3, 3, 0, 1, 1});
  ClientHelloParser parser;
  EXPECT_EQ(parser.feed(bytes), State::hello) << parser.reason();
  EXPECT_EQ(parser.feed(from_hex("ff")), State::hello);
}

}  // namespace
}  // namespace crypelab::wire::client_hello_test
