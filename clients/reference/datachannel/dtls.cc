#include "clients/reference/datachannel/dtls.h"

#include "clients/reference/datachannel/key_log.h"
#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

namespace crypelab::client::datachannel {

// What lies between OpenSSL and the owner: datagrams whole, each read once.
struct Dtls::Wire {
  std::deque<std::vector<std::uint8_t>> out;
  wire::Bytes in;  // of the datagram being received
  std::size_t mtu = 0;
  Duration first_timeout{0};
  bool untrusted = false;
  std::vector<wire::SdpFingerprint> peer;
  KeyLog key_log;
  static constexpr std::size_t most_out = 4'096;
};

namespace {

Dtls::Wire& wire_of(BIO* bio) { return *static_cast<Dtls::Wire*>(BIO_get_data(bio)); }

int bio_write(BIO* bio, const char* data, int size) {
  auto& wire = wire_of(bio);
  const auto bytes = wire::bytes_of({data, static_cast<std::size_t>(size)});
  if (wire.out.size() < Dtls::Wire::most_out) wire.out.emplace_back(bytes.begin(), bytes.end());
  return size;
}

int bio_read(BIO* bio, char* data, int size) {
  auto& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (wire.in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto n = std::min(wire.in.size(), static_cast<std::size_t>(size));
  std::memcpy(data, wire.in.data(), n);
  wire.in = {};  // as recv does: what does not fit is lost
  return static_cast<int>(n);
}

long bio_ctrl(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return static_cast<long>(wire_of(bio).mtu);
    default:  // MTU overhead among them: 0
      return 0;
  }
}

struct FreeMethod {
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
};

BIO_METHOD* bio_method() {
  static const std::unique_ptr<BIO_METHOD, FreeMethod> method([] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    if (made == nullptr) throw Failure(Exit::software, "OpenSSL has no memory");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_ctrl);
    return made;
  }());
  return method.get();
}

Dtls::Wire& wire_of(const SSL* ssl) { return *static_cast<Dtls::Wire*>(SSL_get_app_data(ssl)); }

// RFC 6347 §4.2.4.1: doubled, at most 60 s.
unsigned timer(SSL* ssl, unsigned before) {
  constexpr unsigned longest = 60'000'000;
  if (before == 0) return static_cast<unsigned>(wire_of(ssl).first_timeout.count());
  return std::min(before * 2, longest);
}

// The certificate is good when the peer told of it over signaling (RFC 8122 §5, §6.2); who issued it does not matter.
int verify(X509_STORE_CTX* store, void* argument) {
  auto& wire = *static_cast<Dtls::Wire*>(argument);
  X509* const certificate = X509_STORE_CTX_get0_cert(store);
  if (certificate != nullptr && matches(certificate, wire.peer)) return 1;
  wire.untrusted = true;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

void log_key(const SSL* ssl, const char* line) { wire_of(ssl).key_log.write(line); }

// SSL_CTX_set1_groups_list is a macro that casts constness away.
bool set_groups(SSL_CTX* context) {
  std::string groups = "X25519:P-256:P-384";
  return SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, groups.data()) == 1;
}

void check(bool good) {
  if (!good) throw Failure(Exit::software, "OpenSSL refuses to set up DTLS");
}

}  // namespace

void Dtls::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void Dtls::FreeContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
Dtls::~Dtls() = default;

Dtls::Dtls(Settings settings, const Certificate& certificate)
    : settings_(std::move(settings)), wire_(std::make_unique<Wire>()), context_(SSL_CTX_new(DTLS_method())) {
  check(context_ != nullptr);
  SSL_CTX* const context = context_.get();
  wire_->mtu = settings_.mtu;
  wire_->first_timeout = settings_.first_timeout;
  wire_->peer = settings_.peer;
  wire_->key_log = KeyLog(settings_.key_log);
  check(SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1);
  check(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
  check(set_groups(context));
  check(SSL_CTX_use_certificate(context, certificate.certificate()) == 1);
  check(SSL_CTX_use_PrivateKey(context, certificate.key()) == 1);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, wire_.get());
  if (wire_->key_log.open()) SSL_CTX_set_keylog_callback(context, log_key);
  ssl_.reset(SSL_new(context));
  check(ssl_ != nullptr);
  SSL_set_app_data(ssl_.get(), wire_.get());
  DTLS_set_timer_cb(ssl_.get(), timer);
  SSL_set_mtu(ssl_.get(), static_cast<long>(settings_.mtu));
  BIO* const bio = BIO_new(bio_method());
  check(bio != nullptr);
  BIO_set_data(bio, wire_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // owns it
  if (settings_.role == Role::active) {
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

void Dtls::start(Time now) {
  if (started_) return;
  started_ = true;
  drive(now);
}

void Dtls::receive(wire::Bytes datagram, Time now) {
  if (state_ == State::failed || state_ == State::closed || datagram.empty()) return;
  if (!started_ && settings_.role == Role::active) return;  // nothing can be an answer yet
  started_ = true;
  wire_->in = datagram;
  drive(now);
  wire_->in = {};
}

void Dtls::wake(Time now) {
  if (state_ != State::handshake || !next_ || now < *next_) return;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) return fail();
  drive(now);
}

void Dtls::drive(Time now) {
  ERR_clear_error();
  if (state_ == State::handshake) {
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
      state_ = State::up;
    } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
      return fail();
    }
  }
  if (state_ == State::up) read_messages();
  arm(now);
}

void Dtls::read_messages() {
  std::array<std::uint8_t, SSL3_RT_MAX_PLAIN_LENGTH> buffer{};
  while (true) {
    ERR_clear_error();
    const int n = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
    if (n > 0) {
      if (messages_.size() < most_waiting) messages_.emplace_back(buffer.begin(), buffer.begin() + n);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), n);
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      state_ = State::closed;
      return;
    }
    return fail();
  }
}

void Dtls::arm(Time now) {
  next_.reset();
  timeval left{};
  if (state_ != State::handshake || DTLSv1_get_timeout(ssl_.get(), &left) != 1) return;
  next_ = now + std::max<Duration>(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec), 1ms);
}

void Dtls::fail() {
  state_ = State::failed;
  next_.reset();
  if (wire_->untrusted) {
    failure_ = "the peer's certificate is not the one whose fingerprint was signaled";
    return;
  }
  const auto code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  failure_ = reason != nullptr ? std::string("DTLS: ") + reason : "DTLS: no answer";
}

bool Dtls::send(wire::Bytes message) {
  if (state_ != State::up || message.empty()) return false;
  ERR_clear_error();
  return SSL_write(ssl_.get(), message.data(), static_cast<int>(message.size())) == static_cast<int>(message.size());
}

void Dtls::close() {
  if (state_ != State::up) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  state_ = State::closed;
}

std::vector<std::uint8_t> Dtls::poll_datagram() {
  if (wire_->out.empty()) return {};
  auto datagram = std::move(wire_->out.front());
  wire_->out.pop_front();
  return datagram;
}

std::vector<std::uint8_t> Dtls::poll_message() {
  if (messages_.empty()) return {};
  auto message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

}  // namespace crypelab::client::datachannel
