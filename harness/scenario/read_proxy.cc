#include "harness/scenario/read_proxy.h"

#include "harness/scenario/read_faults.h"
#include "harness/scenario/read_target.h"
#include "harness/scenario/read_users.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostProxies = 8;
constexpr std::size_t kMostNames = 8;
constexpr std::size_t kMostInList = 64;
constexpr std::uint32_t kMostConnections = 10'000;
constexpr Duration kLongestLife = std::chrono::hours(24);

// SITE.edge, SITE.carrier and the like are there already.
bool is_site_host(std::string_view name) {
  return name == "edge" || name == "carrier" || name == "kdc" || name == "resolver" || name == "pac" ||
         name == "wpad" || name == "socks" || name == "portal";
}

void read_schemes(const Node& node, model::Proxy& proxy, Problems& problems) {
  for (const Node* item : read_some(node, "authentication schemes", kAuthSchemes.size(), problems)) {
    const auto scheme = read_word(*item, "an authentication scheme", kAuthSchemes, problems);
    if (!scheme) continue;
    if (std::ranges::find(proxy.auth, *scheme) != proxy.auth.end()) {
      problems.add(item->at, in_quotes(item->text) + " stands here a second time");
      continue;
    }
    proxy.auth.push_back(*scheme);
  }
}

model::Targets read_targets(const Node& node, Problems& problems) {
  model::Targets targets;
  for (const Node* item : read_some(node, "targets", kMostInList, problems)) {
    const bool numeric = item->kind == Node::Kind::scalar &&
                         item->text.find_first_not_of("0123456789abcdefABCDEF.:/") == std::string::npos &&
                         item->text.find_first_of(":/0123456789") != std::string::npos;
    if (numeric) {
      if (const auto prefix = read_prefix_or_address(*item, problems)) targets.prefixes.push_back(*prefix);
    } else if (auto domain = read_domain(*item, problems)) {
      targets.domains.push_back(std::move(*domain));
    }
  }
  return targets;
}

// Squid keeps its timers in whole seconds and looks at them once a second.
std::optional<Duration> read_life(const Node& node, Problems& problems) {
  const auto value = read_duration(node, "a limit", {std::chrono::seconds(1), kLongestLife}, problems);
  if (!value || *value % std::chrono::seconds(1) == Duration(0)) return value;
  problems.add(node.at, in_quotes(node.text) + " is not a limit", "limits of a proxy are whole seconds");
  return std::nullopt;
}

void read_tls(const Node& node, model::Proxy& proxy, Problems& problems) {
  if (node.kind == Node::Kind::scalar) {
    const auto on = read_boolean(node, problems);
    if (on && *on) proxy.tls = model::ServerCertificate::valid;
    return;
  }
  const Mapping map(node, kProxyTlsWords, "TLS to a proxy", problems);
  if (const Node* certificate = map.require("certificate", "tls: {certificate: expired}"))
    proxy.tls = read_word(*certificate, "a certificate", kServerCertificates, problems);
  if (const Node* key = map.find("key")) assign(proxy.key, read_word(*key, "a kind of key", kServerKeys, problems));
}

void read_inspection(const Node& node, model::Proxy& proxy, Problems& problems) {
  const Mapping map(node, kInspectWords, "an inspection", problems);
  if (!map.ok()) return;
  model::Inspection inspection;
  if (const Node* authority = map.find("authority"))
    assign(inspection.trusted, read_word(*authority, "whether hosts trust it", kInspectionAuthorities, problems));
  if (const Node* exempt = map.find("exempt")) {
    for (const Node* item : read_some(*exempt, "domains", kMostInList, problems)) {
      if (auto domain = read_domain(*item, problems)) inspection.exempt.push_back(std::move(*domain));
    }
  }
  if (const Node* upgrade = map.find("upgrade"))
    assign(inspection.upgrade_stripped, read_word(*upgrade, "what happens to Upgrade", kUpgrade, problems));
  proxy.inspect = std::move(inspection);
}

// A name that the site's resolver shall know; the standard world's are taken.
std::optional<std::string> read_host_name(const Node& node, Problems& problems) {
  auto name = read_domain(node, problems);
  if (!name || (!name->starts_with("*.") && !name->ends_with(".crype.test"))) return name;
  problems.add(node.at, in_quotes(node.text) + " cannot name a proxy",
               "one host's name, outside of the standard world, like proxy.corp.example");
  return std::nullopt;
}

void refuse(const Node& node, std::initializer_list<std::string_view> words, const std::string& message,
            const std::string& hint, Problems& problems) {
  for (const auto word : words) {
    if (node.find(word) != nullptr) problems.add(place_of_key(node, {word}), in_quotes(word) + " " + message, hint);
  }
}

// What no proxy of this kind can do, or what would have no effect.
void check_proxy(const Node& node, const model::Proxy& proxy, Problems& problems) {
  if (!proxy.auth.empty() && node.find("users") == nullptr)
    problems.add(place_of_key(node, {"auth"}), "nobody could use this proxy",
                 "name who may: users: {alice: wonderland}");
  if (node.find("auth") == nullptr)
    refuse(node, {"users"}, "of a proxy that asks nobody", "say how it asks: auth: basic", problems);
  if (!proxy.offers(model::AuthScheme::digest))
    refuse(node, {"nonce-life"}, "without Digest", "only Digest has nonces: auth: digest", problems);
  if (proxy.transparent) {
    refuse(node, {"auth", "tls", "via", "port", "names"}, "of a transparent proxy",
           "clients do not know that it is there: it can neither ask them nor be named by them", problems);
  }
  if (proxy.inspect) {
    refuse(node, {"via"}, "beside 'inspect'", "Squid opens TLS only where it goes to the target itself", problems);
    if (proxy.tls && !proxy.transparent)
      refuse(node, {"inspect"}, "beside 'tls'", "Squid cannot open TLS inside TLS", problems);
  }
}

model::Proxy read_proxy(const std::string& name, const Node& node, Problems& problems) {
  model::Proxy proxy;
  proxy.name = name;
  const Mapping map(node, kProxyWords, "a proxy", problems);
  if (!map.ok()) return proxy;
  const std::size_t before = problems.complaints();
  if (const Node* names = map.find("names")) {
    for (const Node* item : read_some(*names, "names", kMostNames, problems)) {
      if (auto host = read_host_name(*item, problems)) proxy.names.push_back(std::move(*host));
    }
  }
  if (const Node* port = map.find("port")) {
    if (const auto number = read_number(*port, "a port", {1, 65535}, problems))
      proxy.port = static_cast<std::uint16_t>(*number);
  }
  if (const Node* auth = map.find("auth")) read_schemes(*auth, proxy, problems);
  if (const Node* users = map.find("users")) proxy.users = read_users(*users, problems);
  if (const Node* life = map.find("nonce-life")) proxy.nonce_life = read_life(*life, problems);
  if (const Node* ports = map.find("connect-ports")) proxy.connect_ports = read_port_list(*ports, problems);
  if (const Node* allow = map.find("allow")) proxy.allow = read_targets(*allow, problems);
  if (const Node* deny = map.find("deny")) proxy.deny = read_targets(*deny, problems);
  if (const Node* literals = map.find("ip-literals"))
    assign(proxy.ip_literals, read_word(*literals, "what happens to IP literals", kIpLiterals, problems));
  if (const Node* most = map.find("max-connections"))
    proxy.max_connections = read_number(*most, "a number of connections", {1, kMostConnections}, problems);
  if (const Node* idle = map.find("idle")) proxy.idle = read_life(*idle, problems);
  if (const Node* lifetime = map.find("lifetime")) proxy.lifetime = read_life(*lifetime, problems);
  if (const Node* tls = map.find("tls")) read_tls(*tls, proxy, problems);
  if (const Node* inspect = map.find("inspect")) read_inspection(*inspect, proxy, problems);
  if (const Node* transparent = map.find("transparent"))
    assign(proxy.transparent, read_boolean(*transparent, problems));
  if (const Node* via = map.find("via")) assign(proxy.via, read_text(*via, "the name of a proxy", problems));
  if (const Node* faults = map.find("faults"); faults != nullptr && problems.complaints() == before)
    read_faults(*faults, node, proxy, problems);
  else if (proxy.lifetime && faults == nullptr)
    read_lifetime_of_tunnels(node, proxy, problems);
  if (problems.complaints() == before) check_proxy(node, proxy, problems);
  return proxy;
}

// Every `via` names another proxy of the site, and no chain of them comes back to where it began.
void check_chains(const Node& node, const model::Site& site, Problems& problems) {
  const auto by_name = [&](const std::string& name) {
    return std::ranges::find(site.proxies, name, &model::Proxy::name);
  };
  for (const auto& proxy : site.proxies) {
    if (proxy.via.empty()) continue;
    const auto at = place(node, {proxy.name, "via"});
    const auto next = by_name(proxy.via);
    if (next == site.proxies.end() || next->transparent) {
      std::vector<std::string_view> known;
      for (const auto& other : site.proxies) {
        if (!other.transparent && other.name != proxy.name) known.push_back(other.name);
      }
      problems.add(at, "there is no proxy " + in_quotes(proxy.via) + " to forward to", "known: " + join(known));
      continue;
    }
    if (next->tls || !next->auth.empty()) {
      problems.add(at, in_quotes(proxy.via) + " asks who comes, or is reached over TLS",
                   "the proxy that others forward to stands open to them: no auth, no tls");
      continue;
    }
    std::size_t hops = 0;
    for (auto on = next; on != site.proxies.end() && !on->via.empty() && hops <= site.proxies.size(); ++hops)
      on = by_name(on->via);
    if (hops > site.proxies.size()) problems.add(at, "this chain of proxies goes round in a circle");
  }
}

}  // namespace

void read_proxies(const Node* proxy, const Node* proxies, model::Site& site, Problems& problems) {
  if (proxy != nullptr && proxies != nullptr) {
    problems.add(proxies->at, "'proxies' beside 'proxy'",
                 "one of them: proxy: {...}, or proxies: {name: {...}} for several");
    return;
  }
  const std::size_t before = problems.complaints();
  if (proxy != nullptr) {
    site.proxies.push_back(read_proxy(model::Proxy{}.name, *proxy, problems));
    if (problems.complaints() == before && !site.proxies.back().via.empty())
      problems.add(place(*proxy, {"via"}), "there is no second proxy to forward to",
                   "write proxies: {name: {...}} for several");
    return;
  }
  if (proxies == nullptr) return;
  if (proxies->kind != Node::Kind::mapping || proxies->entries.empty() || proxies->entries.size() > kMostProxies) {
    problems.add(proxies->at, "expected proxies by their names, found " + found(*proxies),
                 "write it like proxies: {inner: {via: outer}, outer: {}}, at most " + std::to_string(kMostProxies));
    return;
  }
  for (const auto& entry : proxies->entries) {
    if (!check_name(entry.key, entry.at, "a proxy", problems)) continue;
    if (is_site_host(entry.key)) {
      problems.add(entry.at, in_quotes(entry.key) + " cannot name a proxy",
                   "the lab's own hosts of a site are called so");
      continue;
    }
    site.proxies.push_back(read_proxy(entry.key, entry.value, problems));
  }
  if (problems.complaints() == before) check_chains(*proxies, site, problems);
}

}  // namespace crypelab::scenario
