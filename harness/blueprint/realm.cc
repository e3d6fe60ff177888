#include "harness/blueprint/realm.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

constexpr const char* kConfiguration = "/etc/krb5.conf";
constexpr const char* kCache = "/home/user/.krb5cc";

}  // namespace

std::optional<services::Realm> realm_of(const SitePlan& site) {
  const auto* server = find_server(site, server_host(site.site->name, kKdc));
  if (server == nullptr) return std::nullopt;
  services::Realm realm;
  realm.name = realm_name(site.site->name);
  realm.domain = fmt::format(".{}.test", site.site->name);
  if (server->address4) realm.kdc.push_back(server->address4->address);
  if (server->address6) realm.kdc.push_back(server->address6->address);
  for (const auto& proxy : site.site->proxies) {
    if (!proxy.offers(model::AuthScheme::negotiate)) continue;
    realm.services.push_back("HTTP/" + server_name(site.site->name, proxy.name));
    for (const auto& user : proxy.users) {
      if (std::ranges::find(realm.users, user.name, &model::ProxyUser::name) == realm.users.end())
        realm.users.push_back(user);
    }
  }
  return realm;
}

void give_ticket(Host& host, const services::Realm& realm, const model::ProxyUser& user) {
  host.files[kConfiguration] = services::krb5_configuration(realm);
  host.environment["KRB5CCNAME"] = std::string("FILE:") + kCache;
  host.preparations.push_back(
      {{"kinit", "-c", kCache, fmt::format("{}@{}", user.name, realm.name)}, user.password + "\n", "krb5-user"});
}

}  // namespace crypelab::blueprint
