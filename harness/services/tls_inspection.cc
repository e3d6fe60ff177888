#include "harness/services/tls_inspection.h"

#include "harness/services/json_line.h"
#include "harness/services/log_fields.h"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace crypelab::services {
namespace {

namespace json = boost::json;

constexpr std::string_view kLogMark = "crypelab-relay ";
constexpr std::uint16_t kReadyPort = 3142;

std::string acl_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    text += name.starts_with("*.") ? fmt::format("  acl known req.ssl_sni -i -m end {}\n", name.substr(1))
                                   : fmt::format("  acl known req.ssl_sni -i -m str {}\n", name);
  }
  return text;
}

std::string relay_configuration(const TlsBoxSettings& settings, const model::TlsRelay& relay) {
  std::string text =
      "global\n"
      "  maxconn 4000\n"
      "  nbthread 1\n"
      "  log stdout format raw daemon info\n"
      "defaults\n"
      "  mode tcp\n"
      "  timeout connect 10s\n"
      "  timeout client 24h\n"
      "  timeout server 24h\n"
      "frontend relay\n";
  for (const auto& address : settings.listen) {
    if (address.is_v4()) text += fmt::format("  bind {}:{}\n", to_string(address), kTlsRelayPort);
  }
  text +=
      "  log global\n"
      "  log-format \"crypelab-relay client=%ci:%cp server=%[dst]:%[dst_port] sni=%[capture.req.hdr(0)] state=%ts "
      "received=%U sent=%B milliseconds=%Tt\"\n"
      "  tcp-request inspect-delay 10s\n"
      "  tcp-request content capture req.ssl_sni len 255\n"
      "  acl hello req.ssl_hello_type 1\n";
  text += acl_of(relay.sni);
  text += fmt::format("  tcp-request content accept if hello{}\n", relay.sni.empty() ? "" : " known");
  text +=
      "  tcp-request content reject\n"
      "  default_backend there\n"
      "backend there\n"
      "  server there 0.0.0.0:0\n"
      "frontend ready\n"
      "  mode http\n";
  text += fmt::format("  bind 127.0.0.1:{}\n  timeout client 1s\n  http-request return status 200\n", kReadyPort);
  return text;
}

}  // namespace

Process tls_inspection(const TlsBoxSettings& settings, const model::TlsInspection& inspection) {
  json::array listen;
  for (const auto& address : settings.listen) listen.emplace_back(to_string(Endpoint{address, kTlsInspectionPort}));
  json::object made{{"listen", std::move(listen)},
                    {"certificate", "{dir}/authority.crt"},
                    {"key", "{dir}/authority.key"},
                    {"http_only", inspection.inside == model::TlsInspection::Inside::http}};
  if (!inspection.private_accepted) made["trusted"] = "/etc/ssl/certs/ca-certificates.crt";
  json::array exempt;
  for (const auto& name : inspection.exempt) exempt.emplace_back(name);
  made["exempt"] = std::move(exempt);
  Process process;
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"{bin}/crypelab-faults", "intercept", "{dir}/intercept.json"};
  process.files = {{"intercept.json", json::serialize(made)}};
  process.certificates.push_back({"authority", {}, Issuer::corporate});
  process.readiness = PrintsLine{R"("event":"ready")"};
  process.read_log = read_inspection_log;
  return process;
}

std::vector<model::Event> read_inspection_log(std::string_view line) {
  return read_json_line(line, model::Source::gate);
}

Process tls_relay(const TlsBoxSettings& settings, const model::TlsRelay& relay) {
  Process process;
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"haproxy", "-db", "-f", "{dir}/haproxy.cfg"};
  process.files = {{"haproxy.cfg", relay_configuration(settings, relay)}};
  process.readiness = AnswersTcp{{*parse_address("127.0.0.1"), kReadyPort}, "GET / HTTP/1.0\r\n\r\n"};
  process.read_log = read_relay_log;
  process.package = "haproxy";
  return process;
}

std::vector<model::Event> read_relay_log(std::string_view line) {
  if (!line.starts_with(kLogMark)) return {};
  const auto fields = log_fields(line.substr(kLogMark.size()));
  const auto state = fields.find("state");
  if (state == fields.end() || !fields.contains("client") || !fields.contains("server")) return {};
  // The first letter says who ended the session, the second in which phase: "PR" is the proxy, by its rules.
  const bool refused = state->second.starts_with("PR");
  model::Event event;
  event.source = model::Source::gate;
  event.kind = refused ? "decision" : "relayed";
  for (const auto* name : {"client", "server", "sni"}) {
    if (const auto found = fields.find(name); found != fields.end())
      event.fields.emplace_back(name, std::string(found->second));
  }
  if (refused) event.fields.emplace_back("verdict", std::string("close"));
  for (const auto* name : {"received", "sent", "milliseconds"}) {
    const auto found = fields.find(name);
    std::int64_t number = 0;
    if (found == fields.end()) continue;
    const auto& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) event.fields.emplace_back(name, number);
  }
  return {std::move(event)};
}

}  // namespace crypelab::services
