#include "clients/reference/proxy/kerberos.h"

#include "clients/reference/proxy/helper_process.h"
#include "harness/wire/base64.h"
#include "harness/wire/bytes.h"

#include <boost/asio/this_coro.hpp>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

namespace crypelab::client::proxy {
namespace {

// RFC 4178 §3: SPNEGO, 1.3.6.1.5.5.2.
gss_OID_desc spnego() {
  static char oid[] = "\x2b\x06\x01\x05\x05\x02";
  return {6, oid};
}

struct Buffer {
  gss_buffer_desc value = GSS_C_EMPTY_BUFFER;
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    OM_uint32 ignored = 0;
    gss_release_buffer(&ignored, &value);
  }
  std::string_view text() const { return {static_cast<const char*>(value.value), value.length}; }
};

std::string explain(OM_uint32 code, int kind) {
  auto mechanism = spnego();
  OM_uint32 minor = 0;
  OM_uint32 more = 0;
  Buffer text;
  if (GSS_ERROR(gss_display_status(&minor, code, kind, &mechanism, &more, &text.value))) return "no reason";
  return std::string(text.text());
}

}  // namespace

Result<std::string> make_kerberos_token(const std::string& host) {
  std::string service = "HTTP@" + host;
  gss_buffer_desc name_text{service.size(), service.data()};
  gss_name_t name = GSS_C_NO_NAME;
  OM_uint32 minor = 0;
  if (GSS_ERROR(gss_import_name(&minor, &name_text, GSS_C_NT_HOSTBASED_SERVICE, &name))) {
    return Complaint{explain(minor, GSS_C_MECH_CODE)};
  }
  auto mechanism = spnego();
  gss_ctx_id_t context = GSS_C_NO_CONTEXT;
  Buffer token;
  const auto major =
      gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &context, name, &mechanism, 0, 0, GSS_C_NO_CHANNEL_BINDINGS,
                           GSS_C_NO_BUFFER, nullptr, &token.value, nullptr, nullptr);
  const auto reason = minor;
  OM_uint32 ignored = 0;
  gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
  gss_release_name(&ignored, &name);
  if (GSS_ERROR(major))
    return Complaint{explain(reason != 0 ? reason : major, reason != 0 ? GSS_C_MECH_CODE : GSS_C_GSS_CODE)};
  if (token.value.length == 0 || token.value.length > 48'000) return Complaint{"no token of a size that can be sent"};
  return wire::to_base64(wire::bytes_of(token.text()));
}

transport::Awaitable<Result<std::string>> kerberos_token(std::string host, Time deadline) {
  const auto executor = co_await boost::asio::this_coro::executor;
  HelperProcess helper(executor, [](const std::string& asked) {
    auto token = make_kerberos_token(asked);
    return token ? "+" + *token : "-" + token.complaint();
  });
  const auto said = co_await helper.ask(host, deadline);
  if (!said || said->empty()) co_return Complaint{"the Kerberos library gave no answer in time"};
  if (said->front() == '+') co_return said->substr(1);
  co_return Complaint{said->substr(1)};
}

}  // namespace crypelab::client::proxy
