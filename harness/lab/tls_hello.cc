#include "harness/lab/tls_hello.h"

#include "harness/base/error.h"

#include <memory>

#include <openssl/bio.h>
#include <openssl/ssl.h>

namespace crypelab::lab {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};

}  // namespace

std::string tls_hello(const std::string& server_name) {
  const std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, Free> connection(context ? SSL_new(context.get()) : nullptr);
  BIO* incoming = BIO_new(BIO_s_mem());
  BIO* outgoing = BIO_new(BIO_s_mem());
  if (!connection || incoming == nullptr || outgoing == nullptr) {
    BIO_free(incoming);
    BIO_free(outgoing);
    throw Failure(Exit::software, "cannot make a ClientHello");
  }
  SSL_set_bio(connection.get(), incoming, outgoing);  // whose they are now
  // SSL_set_tlsext_host_name, which is a macro with a cast of C.
  SSL_ctrl(connection.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(server_name.c_str()));
  SSL_connect(connection.get());  // writes it, and waits for an answer that does not come
  char* data = nullptr;
  const long size = BIO_get_mem_data(outgoing, &data);
  if (size <= 0) throw Failure(Exit::software, "cannot make a ClientHello");
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace crypelab::lab
