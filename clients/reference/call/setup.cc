#include "clients/reference/call/setup.h"

namespace crypelab::client::call {
namespace {

proxy::Account account_of(const job::Proxy& proxy) {
  using Kind = proxy::Account::Kind;
  switch (proxy.credentials) {
    case job::ProxyCredentials::ambient:
      return {.kind = Kind::ambient};
    case job::ProxyCredentials::prompt:
      return {.kind = Kind::prompt};
    case job::ProxyCredentials::given:
      break;
  }
  if (proxy.username.empty() && proxy.password.empty()) return {};
  return {.kind = Kind::given, .user = proxy.username, .password = proxy.password};
}

}  // namespace

transport::Dialer::Settings dialer_settings(const job::Job& job) {
  // Both enumerations are those of the contract, in its order.
  static_assert(static_cast<int>(job::ProxyMode::system) == static_cast<int>(proxy::Mode::system));
  static_assert(static_cast<int>(job::App::mobile_custom) == static_cast<int>(proxy::App::mobile_custom));
  return {.proxy = {.mode = static_cast<proxy::Mode>(job.proxy.mode),
                    .rules = job.proxy.rules,
                    .bypass = job.proxy.bypass,
                    .pac = job.proxy.pac},
          .account = account_of(job.proxy),
          .app = static_cast<proxy::App>(job.app),
          .trust = job.trust,
          .misbehaviour = job.misbehave};
}

transport::Gatherer::Settings gatherer_settings(const job::Job& job) {
  transport::Gatherer::Settings settings;
  for (const auto& given : job.ice_servers) {
    transport::IceServer server{.username = given.username, .credential = given.credential};
    for (const auto& url : given.urls) {
      if (const auto uri = transport::parse_ice_uri(url)) server.urls.push_back(*uri);
    }
    settings.servers.push_back(std::move(server));
  }
  settings.relay_only = job.policy == job::IcePolicy::relay;
  settings.non_proxied_udp = job.non_proxied_udp;
  settings.allow_loopback = job.loopback;
  settings.misbehaviour = job.misbehave;
  return settings;
}

ice::Agent::Settings agent_settings(const job::Job& job) {
  ice::Agent::Settings settings;
  settings.controlling = job.role == job::Role::caller;
  settings.relay_only = job.policy == job::IcePolicy::relay;
  settings.allow_loopback = job.loopback;
  settings.misbehaviour = job.misbehave;
  return settings;
}

std::vector<std::string> bad_urls(const job::Job& job) {
  std::vector<std::string> out;
  for (const auto& server : job.ice_servers) {
    for (const auto& url : server.urls) {
      const auto uri = transport::parse_ice_uri(url);
      if (!uri) out.push_back(url + ": " + uri.complaint());
    }
  }
  return out;
}

}  // namespace crypelab::client::call
