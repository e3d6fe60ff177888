#include "clients/signaling/tls_stream.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include <boost/asio/error.hpp>
#include <fmt/format.h>
#include <openssl/err.h>

namespace crypelab::signaling {
namespace {

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned length,
                    void*) {
  static constexpr std::array<unsigned char, 9> http = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, http.data(), http.size(), offered, length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

[[noreturn]] void refuse(const std::string& path) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  throw Failure(Exit::data, fmt::format("{}: {}", path, reason.data()));
}

}  // namespace

TlsContext server_context(const std::string& certificate, const std::string& key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) throw Failure(Exit::software, "OpenSSL gives no context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // resumption by tickets: nothing is kept here
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_read_ahead(context.get(), 1);  // a record costs one system call, not two
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) refuse(certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) refuse(key);
  if (SSL_CTX_check_private_key(context.get()) != 1) refuse(key);
  return context;
}

TlsStream::TlsStream(Socket socket, SSL_CTX& context) : socket_(std::move(socket)), ssl_(SSL_new(&context)) {
  socket_.non_blocking(true);
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

TlsStream::Want TlsStream::judge(int result) {
  if (result > 0) return Want::nothing;
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Want::read;
    case SSL_ERROR_WANT_WRITE:
      return Want::write;
    case SSL_ERROR_ZERO_RETURN:
      failure_ = boost::asio::error::eof;
      break;
    case SSL_ERROR_SYSCALL:
      failure_ = system_error != 0 ? boost::system::error_code(system_error, boost::system::system_category())
                                   : boost::system::error_code(boost::asio::error::eof);
      break;
    default:
      failure_ = boost::asio::error::connection_aborted;  // not TLS, or not TLS that we speak
  }
  ERR_clear_error();
  return Want::failed;
}

TlsStream::Want TlsStream::handshake() {
  errno = 0;
  return judge(SSL_do_handshake(ssl_.get()));
}

TlsStream::Want TlsStream::read(boost::asio::mutable_buffer buffer, std::size_t& n) {
  errno = 0;
  return judge(SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &n));
}

TlsStream::Want TlsStream::write() {
  while (!kept_.empty()) {
    std::size_t n = 0;
    errno = 0;
    const Want want = judge(SSL_write_ex(ssl_.get(), kept_.data(), kept_.size(), &n));
    if (want != Want::nothing) return want;
    kept_.erase(0, n);
  }
  std::string().swap(kept_);
  return Want::nothing;
}

void TlsStream::close() {
  if (!socket_.is_open()) return;
  if (SSL_is_init_finished(ssl_.get()) == 1) {
    write();
    SSL_shutdown(ssl_.get());
  }
  ERR_clear_error();
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  socket_.close(ignored);
}

void teardown(boost::beast::role_type, TlsStream& stream, boost::system::error_code& error) {
  stream.close();
  error = {};
}

}  // namespace crypelab::signaling
