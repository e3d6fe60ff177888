#include "harness/services/client_job.h"

#include "harness/base/error.h"
#include "harness/base/overloaded.h"
#include "harness/model/turn.h"

#include <algorithm>

#include <boost/json.hpp>

namespace crypelab::services {
namespace {

namespace json = boost::json;

const char* word(model::App app) {
  switch (app) {
    case model::App::browser:
      return "browser";
    case model::App::desktop:
      return "desktop";
    case model::App::desktop_unconfigured:
      return "desktop-unconfigured";
    case model::App::desktop_split:
      return "desktop-split";
    case model::App::mobile_system:
      return "mobile-system";
    case model::App::mobile_native:
      return "mobile-native";
    case model::App::mobile_custom:
      return "mobile-custom";
  }
  return "";
}

const char* word(model::ProxyMode mode) {
  switch (mode) {
    case model::ProxyMode::direct:
      return "direct";
    case model::ProxyMode::auto_detect:
      return "auto_detect";
    case model::ProxyMode::pac_script:
      return "pac_script";
    case model::ProxyMode::fixed_servers:
      return "fixed_servers";
    case model::ProxyMode::system:
      return "system";
  }
  return "";
}

const char* word(model::ProxyCredentials credentials) {
  switch (credentials) {
    case model::ProxyCredentials::given:
      return "given";
    case model::ProxyCredentials::ambient:
      return "ambient";
    case model::ProxyCredentials::prompt:
      return "prompt";
  }
  return "";
}

const char* word(model::Flow direction) {
  switch (direction) {
    case model::Flow::send:
      return "send";
    case model::Flow::receive:
      return "receive";
    case model::Flow::both:
      return "both";
  }
  return "";
}

const char* word(model::Traffic traffic) {
  switch (traffic) {
    case model::Traffic::silent:
      return "silent";
    case model::Traffic::audio:
      return "audio";
    case model::Traffic::video:
      return "video";
  }
  return "";
}

std::int64_t milliseconds(Duration time) { return std::chrono::ceil<std::chrono::milliseconds>(time).count(); }
std::int64_t seconds(Duration time) { return std::chrono::ceil<std::chrono::seconds>(time).count(); }

json::object proxy_of(const model::ProxyUse& use) {
  json::object proxy{{"mode", word(use.mode)}};
  if (!use.rules.empty()) proxy["rules"] = use.rules;
  if (!use.bypass.empty()) proxy["bypass"] = use.bypass;
  if (!use.pac.empty()) proxy["pac"] = use.pac;
  proxy["credentials"] = word(use.credentials);
  if (!use.username.empty()) {
    proxy["username"] = use.username;
    proxy["password"] = use.password;
  }
  return proxy;
}

json::object work_of(const model::Phase& phase) {
  return std::visit(
      Overloaded{
          [](const model::Echo& echo) {
            return json::object{
                {"echo",
                 json::object{{"count", echo.count}, {"interval", milliseconds(echo.interval)}, {"size", echo.size}}}};
          },
          [](const model::Throughput& throughput) {
            const bool ordered = throughput.delivery == model::Delivery::ordered;
            return json::object{{"throughput", json::object{{"seconds", seconds(throughput.time)},
                                                            {"direction", word(throughput.direction)},
                                                            {"delivery", ordered ? "ordered" : "unordered-unreliable"},
                                                            {"size", throughput.size}}}};
          },
          [](const model::Hold& hold) {
            return json::object{{"hold", json::object{{"seconds", seconds(hold.time)},
                                                      {"traffic", word(hold.traffic)},
                                                      {"max_gap", milliseconds(hold.max_gap)}}}};
          },
      },
      phase);
}

// RFC 7065 section 3.1 and RFC 7064: what a URI's scheme and its transport parameter say.
std::optional<model::RelayTransport> transport_of(const std::string& url) {
  if (url.starts_with("turns:")) return model::RelayTransport::tls;
  if (!url.starts_with("turn:")) return std::nullopt;
  return url.ends_with("transport=udp") ? model::RelayTransport::udp : model::RelayTransport::tcp;
}

json::array servers_of(const model::Job& job, const JobSettings& settings) {
  json::array stun;
  json::array turn;
  for (const auto& url : model::standard_ice_urls()) {
    const auto transport = transport_of(url);
    if (!transport) {
      stun.emplace_back(url);
    } else if (std::ranges::find(job.turn, *transport) != job.turn.end()) {
      turn.emplace_back(url);
    }
  }
  json::array servers{json::object{{"urls", std::move(stun)}}};
  if (!turn.empty())
    servers.emplace_back(json::object{
        {"urls", std::move(turn)}, {"username", settings.turn_user}, {"credential", settings.turn_password}});
  return servers;
}

}  // namespace

std::string peer_of(const model::Scenario& scenario, const std::string& client) {
  const auto& clients = scenario.clients;
  if (clients.size() < 2) return "";
  if (clients[0].name == client) return clients[1].name;
  return clients[1].name == client ? clients[0].name : "";
}

Duration deadline_of(const model::Scenario& scenario) {
  Duration deadline = std::chrono::minutes(1);
  for (const auto& expected : scenario.expectations) {
    if (const auto* connected = std::get_if<model::ExpectConnected>(&expected.what))
      deadline = std::max(deadline, connected->within.value_or(Duration(0)));
  }
  for (const auto& phase : scenario.work) deadline += model::length_of(phase);
  return deadline + std::chrono::seconds(10);
}

std::string client_job(const model::Scenario& scenario, const JobSettings& settings) {
  const auto* client = model::find_client(scenario, settings.client);
  const std::string peer = peer_of(scenario, settings.client);
  if (client == nullptr || peer.empty())
    throw Failure(Exit::software, "client '" + settings.client + "' has nobody to call");
  const std::string room = "signal.crype.test/v1/rooms/" + settings.room;
  json::array work;
  for (const auto& phase : scenario.work) work.emplace_back(work_of(phase));
  const json::object job{
      {"contract", 1},
      {"task", "call"},
      {"role", scenario.clients.front().name == settings.client ? "caller" : "callee"},
      {"peer", peer},
      {"proof", settings.proof},
      {"seed", settings.seed},
      {"deadline", milliseconds(deadline_of(scenario))},
      {"signaling", json::object{{"url", "wss://" + room}, {"fallback", "https://" + room}, {"token", settings.token}}},
      {"ice", json::object{{"servers", servers_of(client->job, settings)},
                           {"policy", client->job.policy == model::IcePolicy::relay ? "relay" : "all"},
                           {"non_proxied_udp", client->job.non_proxied_udp}}},
      {"app", word(client->job.app)},
      {"proxy", proxy_of(client->job.proxy)},
      {"trust", settings.trust},
      {"work", std::move(work)},
      {"misbehave", json::array(client->job.misbehave.begin(), client->job.misbehave.end())}};
  return json::serialize(job);
}

}  // namespace crypelab::services
