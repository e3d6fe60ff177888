#include "harness/services/fault_proxy.h"

#include "harness/services/json_line.h"
#include "harness/services/milliseconds.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace crypelab::services {
namespace {

namespace json = boost::json;

std::int64_t number(ByteCount count) { return static_cast<std::int64_t>(count.bytes); }

bool is_digest(std::string scheme) {
  std::ranges::transform(scheme, scheme.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return scheme == "digest";
}

json::array challenges(const model::Proxy& proxy) {
  auto schemes = proxy.faults->schemes;
  if (schemes.empty()) {
    for (const auto scheme : proxy.auth) schemes.emplace_back(scheme == model::AuthScheme::digest ? "Digest" : "Basic");
  }
  auto algorithms = proxy.faults->algorithms;
  if (algorithms.empty()) algorithms.emplace_back("MD5");
  json::array all;
  for (const auto& scheme : schemes) {
    if (!is_digest(scheme)) {
      all.push_back(json::object{{"scheme", scheme}});
      continue;
    }
    for (const auto& algorithm : algorithms) {
      all.push_back(json::object{{"scheme", scheme}, {"algorithm", algorithm}, {"domain", proxy.faults->domain}});
    }
  }
  return all;
}

json::object cut(const model::Proxy& proxy) {
  const auto& faults = *proxy.faults;
  json::object made;
  // The proxy's own limits are the same thing in the words of one that behaves.
  const auto after = faults.cut_after ? faults.cut_after : proxy.lifetime;
  const auto idle = faults.cut_idle ? faults.cut_idle : proxy.idle;
  if (after) made["after_ms"] = milliseconds(*after);
  if (idle) made["idle_ms"] = milliseconds(*idle);
  if (faults.cut_bytes) made["bytes"] = number(*faults.cut_bytes);
  made["by"] = faults.cut_by == model::CutBy::close   ? "close"
               : faults.cut_by == model::CutBy::reset ? "reset"
                                                      : "silence";
  return made;
}

void add_sign_in(const model::Proxy& proxy, json::object& made) {
  const auto& faults = *proxy.faults;
  switch (faults.sign_in) {
    case model::SignIn::challenge:
      made["challenges"] = challenges(proxy);
      break;
    case model::SignIn::redirect_302:
      made["refusal"] = "302";
      break;
    case model::SignIn::redirect_307:
      made["refusal"] = "307";
      break;
    case model::SignIn::page:
      made["refusal"] = "page";
      break;
  }
  made["login"] = faults.login;
  made["one_field"] = faults.one_field;
  made["close_refused"] = faults.refusal_closes;
  made["refusal_body"] = number(faults.refusal_body);
  if (proxy.nonce_life) made["nonce_life_ms"] = milliseconds(*proxy.nonce_life);
  if (faults.session) made["session_ms"] = milliseconds(*faults.session);
}

}  // namespace

Process fault_proxy(const ProxySettings& settings) {
  const auto& proxy = settings.proxy;
  const auto& faults = *proxy.faults;
  json::object made;
  made["listen"] = json::array{fmt::format("0.0.0.0:{}", proxy.port), fmt::format("[::]:{}", proxy.port)};
  made["realm"] = settings.realm;
  json::object users;
  for (const auto& user : proxy.users) users[user.name] = user.password;
  made["users"] = users;
  add_sign_in(proxy, made);
  json::array ports;
  for (const auto& range : proxy.connect_ports) ports.push_back(json::array{range.first, range.last});
  made["connect_ports"] = ports;
  json::object tunnel{{"status", faults.tunnel_status}, {"transfer_encoding", faults.transfer_encoding}};
  if (faults.content_length) tunnel["content_length"] = number(*faults.content_length);
  made["tunnel"] = tunnel;
  if (faults.answer) made["answer"] = *faults.answer;
  made["cut"] = cut(proxy);
  made["pace"] = json::object{{"segment", faults.segment}, {"batch_ms", milliseconds(faults.batch)}};
  if (faults.down_from) {
    json::object down{{"from_ms", milliseconds(*faults.down_from)}};
    if (faults.down_for) down["lasting_ms"] = milliseconds(*faults.down_for);
    made["down"] = down;
  }
  Process process;
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"{bin}/crypelab-faults", "proxy", "{dir}/proxy.json"};
  process.files = {{"proxy.json", json::serialize(made)}};
  process.readiness = PrintsLine{"\"event\":\"ready\""};
  process.read_log = read_fault_proxy_log;
  return process;
}

std::vector<model::Event> read_fault_proxy_log(std::string_view line) {
  return read_json_line(line, model::Source::proxy);
}

}  // namespace crypelab::services
