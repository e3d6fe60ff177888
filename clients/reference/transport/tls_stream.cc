#include "clients/reference/transport/tls_stream.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include <boost/asio/error.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace crypelab::client::transport {
namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, FreeSsl>;

constexpr std::size_t record_room = 16 * 1024 + 512;

// What OpenSSL wants to have sent. False when the stream below takes no more.
bool flush(SSL& ssl, Stream& below) {
  BIO* out = SSL_get_wbio(&ssl);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  if (size <= 0) return true;
  const bool taken = below.write(wire::bytes_of({data, static_cast<std::size_t>(size)}));
  BIO_reset(out);
  return taken;
}

class TlsStream final : public Stream {
 public:
  TlsStream(Ssl ssl, std::unique_ptr<Stream> below) : ssl_(std::move(ssl)), below_(std::move(below)) {}

  Awaitable<ReadResult> read_some(std::span<std::uint8_t> into) override {
    while (true) {
      ERR_clear_error();
      std::size_t n = 0;
      if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &n) == 1) {
        flush(*ssl_, *below_);
        co_return ReadResult{{}, n};
      }
      const int why = SSL_get_error(ssl_.get(), 0);
      flush(*ssl_, *below_);
      if (why == SSL_ERROR_ZERO_RETURN) co_return ReadResult{boost::asio::error::eof, 0};
      if (why != SSL_ERROR_WANT_READ) co_return ReadResult{boost::asio::error::connection_aborted, 0};
      if (cipher_.empty()) cipher_.resize(record_room);
      const auto got = co_await below_->read_some(cipher_);
      if (got.error) co_return ReadResult{got.error, 0};
      BIO_write(SSL_get_rbio(ssl_.get()), cipher_.data(), static_cast<int>(got.size));
    }
  }

  bool write(std::span<const wire::Bytes> pieces) override {
    if (closing_ || below_->queued() >= most_queued) return false;
    // One record where it fits: one piece of OpenSSL's work, and what is seen outside tells less.
    for (const auto& piece : pieces) {
      for (wire::Bytes rest = piece; !rest.empty();) {
        const auto n = std::min(rest.size(), plain_.size() - gathered_);
        std::copy_n(rest.begin(), n, plain_.begin() + static_cast<std::ptrdiff_t>(gathered_));
        gathered_ += n;
        rest = rest.subspan(n);
        if (gathered_ == plain_.size() && !encrypt()) return false;
      }
    }
    return encrypt() && flush(*ssl_, *below_);
  }

  std::size_t queued() const override { return below_->queued(); }
  Awaitable<Error> drained(std::size_t most) override { return below_->drained(most); }
  void close() override {
    if (std::exchange(closing_, true)) return;
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    flush(*ssl_, *below_);
    below_->close();
  }
  void abort() override {
    closing_ = true;
    below_->abort();
  }
  Endpoint local() const override { return below_->local(); }
  Endpoint remote() const override { return below_->remote(); }

 private:
  bool encrypt() {
    const auto size = std::exchange(gathered_, 0);
    if (size == 0) return true;
    ERR_clear_error();
    std::size_t written = 0;
    return SSL_write_ex(ssl_.get(), plain_.data(), size, &written) == 1;  // a memory BIO takes all of it
  }

  Ssl ssl_;
  std::unique_ptr<Stream> below_;
  std::vector<std::uint8_t> cipher_;
  static thread_local std::array<std::uint8_t, SSL3_RT_MAX_PLAIN_LENGTH> plain_;
  std::size_t gathered_ = 0;
  bool closing_ = false;
};

thread_local std::array<std::uint8_t, SSL3_RT_MAX_PLAIN_LENGTH> TlsStream::plain_{};

bool name_peer(SSL& ssl, const TlsWish& wish, const Misbehaviour& misbehaviour) {
  const auto address = parse_address(wish.name);
  if (!address && !misbehaviour.breaks(Rule::t06)) {
    SSL_ctrl(&ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(wish.name.c_str()));
  }
  if (misbehaviour.breaks(Rule::t02)) return true;
  auto* wanted = SSL_get0_param(&ssl);
  if (address) return X509_VERIFY_PARAM_set1_ip_asc(wanted, wish.name.c_str()) == 1;
  // RFC 8489 §6.2.3: a wildcard is the whole leftmost label.
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(wanted, wish.name.c_str(), wish.name.size()) != 1) return false;
  for (const auto& other : wish.also) {
    if (X509_VERIFY_PARAM_add1_host(wanted, other.c_str(), other.size()) != 1) return false;
  }
  return true;
}

Ssl make_ssl(SSL_CTX& context, const TlsWish& wish, const Misbehaviour& misbehaviour) {
  Ssl ssl(SSL_new(&context));
  if (!ssl) throw std::bad_alloc();
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (in == nullptr || out == nullptr) throw std::bad_alloc();
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  if (!name_peer(*ssl, wish, misbehaviour)) throw std::bad_alloc();
  if (misbehaviour.breaks(Rule::t01)) SSL_set_verify(ssl.get(), SSL_VERIFY_NONE, nullptr);
  if (misbehaviour.breaks(Rule::t03)) {
    SSL_set_max_proto_version(ssl.get(), TLS1_2_VERSION);
    SSL_set_cipher_list(ssl.get(), "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA");
  }
  std::vector<unsigned char> protocols;
  for (const auto& protocol : wish.alpn) {
    if (protocol.empty() || protocol.size() > 255) continue;
    protocols.push_back(static_cast<unsigned char>(protocol.size()));
    protocols.insert(protocols.end(), protocol.begin(), protocol.end());
  }
  if (!protocols.empty()) SSL_set_alpn_protos(ssl.get(), protocols.data(), static_cast<unsigned>(protocols.size()));
  return ssl;
}

std::string one_line(const X509_NAME* name) {
  const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
  if (!text || X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(std::clamp(size, 0L, 200L))};
}

TlsFault untrusted(SSL& ssl, const TlsWish& wish, long verdict) {
  std::string who = "the certificate that was shown";
  if (X509* shown = SSL_get0_peer_certificate(&ssl)) {
    who = fmt::format("the certificate of '{}' issued by '{}'", one_line(X509_get_subject_name(shown)),
                      one_line(X509_get_issuer_name(shown)));
  }
  return {TlsFault::Kind::untrusted,
          fmt::format("{} is not good for {}: {}", who, wish.name, X509_verify_cert_error_string(verdict))};
}

// What came first, when it was not TLS (RFC 8446 §5.1: a record of type 20 to 24, version 3.x).
std::optional<TlsFault> other_bytes(wire::Bytes first) {
  if (first.empty() || (first[0] >= 20 && first[0] <= 24 && (first.size() < 2 || first[1] == 3))) return std::nullopt;
  const auto text = wire::text_of(first);
  const bool page = text.starts_with("<") || text.starts_with("HTTP/") || text.starts_with("\r\n<");
  return TlsFault{page ? TlsFault::Kind::page : TlsFault::Kind::not_tls,
                  page ? "a web page came in place of TLS" : "the answer is not TLS"};
}

std::string reason_of_failure() {
  const auto code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "TLS failed";
}

bool by_alert() {
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  return reason >= SSL_AD_REASON_OFFSET;
}

}  // namespace

Awaitable<std::variant<TlsOpened, TlsFault>> open_tls(std::unique_ptr<Stream> below, SSL_CTX& context, TlsWish wish,
                                                      Misbehaviour misbehaviour) {
  Ssl ssl = make_ssl(context, wish, misbehaviour);
  std::vector<std::uint8_t> cipher(record_room);
  std::array<std::uint8_t, 8> first{};
  std::size_t seen = 0;
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl.get());
    const int why = SSL_get_error(ssl.get(), result);
    flush(*ssl, *below);  // an alert, too
    if (result == 1) break;
    if (why != SSL_ERROR_WANT_READ) {
      below->close();
      const long verdict = SSL_get_verify_result(ssl.get());
      if (verdict != X509_V_OK && !by_alert()) co_return untrusted(*ssl, wish, verdict);
      if (auto other = other_bytes(wire::Bytes(first).first(seen))) co_return std::move(*other);
      const auto reason = reason_of_failure();
      ERR_clear_error();
      co_return TlsFault{TlsFault::Kind::refused, reason};
    }
    const auto got = co_await below->read_some(cipher);
    if (got.error) {
      co_return TlsFault{TlsFault::Kind::closed, got.error == boost::asio::error::eof
                                                     ? "the connection was closed during the TLS handshake"
                                                     : "TLS handshake: " + got.error.message()};
    }
    const auto more = std::min(first.size() - seen, got.size);
    std::copy_n(cipher.begin(), more, first.begin() + static_cast<std::ptrdiff_t>(seen));
    seen += more;
    BIO_write(SSL_get_rbio(ssl.get()), cipher.data(), static_cast<int>(got.size));
  }
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl.get(), &chosen, &length);
  TlsOpened opened;
  if (length != 0) opened.protocol = std::string(wire::text_of({chosen, length}));
  opened.stream = std::make_unique<TlsStream>(std::move(ssl), std::move(below));
  co_return opened;
}

}  // namespace crypelab::client::transport
