#include "clients/reference/transport/tls_context.h"

#include "harness/base/descriptor.h"
#include "harness/base/error.h"

#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <openssl/err.h>
#include <sys/uio.h>
#include <unistd.h>

namespace crypelab::client::transport {
namespace {

// One file for all contexts of the process; each line in one write, as several programs may share it.
void log_key(const SSL*, const char* line) {
  static const Descriptor file = [] {
    const char* path = std::getenv("SSLKEYLOGFILE");
    if (path == nullptr || *path == '\0') return Descriptor();
    return Descriptor(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }();
  if (!file) return;
  char end = '\n';
  iovec parts[] = {{const_cast<char*>(line), std::strlen(line)}, {&end, 1}};
  if (writev(file.get(), parts, 2) < 0) return;  // a log that is full harms nobody
}

}  // namespace

TlsContext client_context(const std::string& trust) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw Failure(Exit::software, "OpenSSL gives no context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (std::getenv("SSLKEYLOGFILE") != nullptr) SSL_CTX_set_keylog_callback(context.get(), log_key);
  ERR_clear_error();
  const int loaded = trust.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                   : SSL_CTX_load_verify_file(context.get(), trust.c_str());
  ERR_clear_error();
  if (loaded != 1) throw Failure(Exit::data, trust + ": no certificate authorities can be read from it");
  return context;
}

}  // namespace crypelab::client::transport
