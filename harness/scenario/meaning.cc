#include "harness/scenario/meaning.h"

#include "harness/model/world.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

// Nothing can live there: this network, loopback, link-local, multicast, reserved (RFC 6890, RFC 4291).
const std::vector<Prefix>& unusable_ranges() {
  static const std::vector<Prefix> ranges{
      *parse_prefix("0.0.0.0/8"),   *parse_prefix("127.0.0.0/8"), *parse_prefix("169.254.0.0/16"),
      *parse_prefix("224.0.0.0/3"), *parse_prefix("::/8"),        *parse_prefix("fe80::/10"),
      *parse_prefix("ff00::/8"),
  };
  return ranges;
}

class MeaningCheck {
 public:
  MeaningCheck(const model::Scenario& scenario, const Node& root, Problems& problems)
      : scenario_(scenario), root_(root), problems_(problems) {}

  void run() {
    for (const auto& site : scenario_.sites) check_site(site);
    for (std::size_t i = 0; i < scenario_.sites.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) check_pair(scenario_.sites[j], scenario_.sites[i]);
    }
    for (const auto& client : scenario_.clients) {
      if (!client.ticket.empty()) check_ticket(client);
      if (client.agent) check_agent(client);
    }
  }

 private:
  Position at(const model::Site& site, std::string_view word) const {
    const Node* found = root_.find("sites")->find(site.name);
    return found != nullptr && found->find(word) != nullptr ? place(*found, {word})
                                                            : place_of_key(root_, {"sites", site.name});
  }
  Position at_subnet(const model::Site& site, const Prefix& subnet) const {
    const Node* node = root_.find("sites")->find(site.name);
    node = node == nullptr ? nullptr : node->find("subnet");
    if (node == nullptr) return at(site, "subnet");
    for (const auto& item : node->items) {
      const auto prefix = parse_prefix(item.text);
      if (prefix && *prefix == subnet) return item.at;
    }
    return node->at;
  }

  bool sits_in(const model::Client& client, const model::Site& site) const {
    return std::ranges::find(client.sites, site.name) != client.sites.end();
  }

  void check_site(const model::Site& site) {
    const auto clients =
        std::ranges::count_if(scenario_.clients, [&](const auto& client) { return sits_in(client, site); });
    if (clients == 0) {
      problems_.add(place_of_key(root_, {"sites", site.name}), "nobody sits in site " + in_quotes(site.name),
                    "put a client there, or take the site out");
    }
    if (site.subnet4) check_subnet(site, *site.subnet4);
    if (site.subnet6) check_subnet(site, *site.subnet6);
    if (site.subnet4) check_room(site, static_cast<std::uint64_t>(clients));
    if (site.nat && !site.subnet4)
      problems_.add(at(site, "nat"), "a NAT at a site without IPv4",
                    "NAT translates IPv4: add an IPv4 subnet, or say nat64");
    if (site.carrier && !site.nat)
      problems_.add(at(site, "carrier"), "a carrier's NAT behind a site without NAT",
                    "for one NAT write nat:, for two write nat: and carrier:");
    if (site.nat64 && site.subnet4)
      problems_.add(at(site, "nat64"), "NAT64 at a site with IPv4", "NAT64 serves sites that have IPv6 alone");
    if (site.nat64) check_nat64(site);
    if (site.nat64 && site.portal)
      problems_.add(at(site, "portal"), "a captive portal at a site with NAT64", "give it IPv4, or leave NAT64 out");
    if (site.tls_relay && site.subnet6)
      problems_.add(at(site, "tls-relay"), "a TLS relay at a site with IPv6",
                    "haproxy learns where a connection was going for IPv4 alone: leave IPv6 out, or write tls-only");
    if (site.uplink.mtu < 1280 && site.subnet6) {
      const Node* node = root_.find("sites")->find(site.name);
      problems_.add(place(*node, {"uplink", "mtu"}),
                    "an MTU of " + std::to_string(site.uplink.mtu) + " at a site with IPv6",
                    "IPv6 needs 1280 or more (RFC 8200, section 5)");
    }
  }

  // Only a proxy with Negotiate brings a KDC, and it knows the users of such proxies.
  void check_ticket(const model::Client& client) {
    const auto* site = model::find_site(scenario_, client.sites.front());
    std::vector<std::string_view> known;
    for (const auto& proxy : site->proxies) {
      if (!proxy.offers(model::AuthScheme::negotiate)) continue;
      for (const auto& user : proxy.users) known.push_back(user.name);
    }
    if (std::ranges::find(known, client.ticket) != known.end()) return;
    problems_.add(place(root_, {"clients", client.name, "ticket"}),
                  "nobody in " + in_quotes(site->name) + " gives a ticket to " + in_quotes(client.ticket),
                  known.empty() ? "a ticket needs a proxy there with 'auth: negotiate'" : "known: " + join(known));
  }

  void check_agent(const model::Client& client) {
    const auto* site = model::find_site(scenario_, client.sites.front());
    std::vector<std::string_view> known;
    for (const auto& proxy : site->proxies) {
      if (!proxy.transparent && !proxy.tls && proxy.auth.empty()) known.push_back(proxy.name);
    }
    if (std::ranges::find(known, client.agent->via) != known.end()) return;
    problems_.add(place(root_, {"clients", client.name, "agent", "via"}),
                  in_quotes(site->name) + " has no open proxy " + in_quotes(client.agent->via),
                  known.empty() ? "an agent forwards to a proxy of its site that asks nobody and speaks no TLS"
                                : "known: " + join(known));
  }

  void check_subnet(const model::Site& site, const Prefix& subnet) {
    for (const auto& range : unusable_ranges()) {
      if (range.overlaps(subnet)) {
        problems_.add(at_subnet(site, subnet),
                      to_string(subnet) + " overlaps " + to_string(range) + ", where no host can live",
                      "for example 10.20.0.0/24, or 2001:db8:1::/64");
        return;
      }
    }
    for (const auto& range : model::world_ranges()) {
      if (range.overlaps(subnet)) {
        problems_.add(at_subnet(site, subnet),
                      to_string(subnet) + " overlaps " + to_string(range) + " of the lab's own internet",
                      "for example 10.20.0.0/24, or 2001:db8:1::/64");
        return;
      }
    }
  }

  void check_room(const model::Site& site, std::uint64_t clients) {
    const std::uint64_t room = (std::uint64_t{1} << (32 - site.subnet4->length)) - 3;  // network, broadcast, router
    if (clients > room) {
      problems_.add(at_subnet(site, *site.subnet4),
                    to_string(*site.subnet4) + " has room for " + std::to_string(room) + " clients, and " +
                        std::to_string(clients) + " sit there",
                    "a shorter prefix length holds more");
    }
  }

  void check_nat64(const model::Site& site) {
    const Node& node = *root_.find("sites")->find(site.name);
    const auto& prefix = site.nat64->prefix;
    const auto overlap = [&](const std::string& what) {
      problems_.add(place(node, {"nat64", "prefix"}), to_string(prefix) + " overlaps " + what,
                    "for example 2001:db8:64::/96");
    };
    for (const auto& range : model::world_ranges()) {
      if (range.overlaps(prefix)) return overlap(to_string(range) + " of the lab's own internet");
    }
    for (const auto& other : scenario_.sites) {
      if (other.subnet6 && other.subnet6->overlaps(prefix))
        return overlap("the subnet of site " + in_quotes(other.name));
    }
  }

  void check_pair(const model::Site& first, const model::Site& second) {
    if (first.subnet6 && second.subnet6 && first.subnet6->overlaps(*second.subnet6)) {
      problems_.add(at_subnet(second, *second.subnet6), overlap(first, *first.subnet6, *second.subnet6),
                    "IPv6 is routed: each site needs a subnet of its own");
    }
    if (!first.subnet4 || !second.subnet4 || !first.subnet4->overlaps(*second.subnet4)) return;
    if (!first.nat || !second.nat) {
      problems_.add(at_subnet(second, *second.subnet4), overlap(first, *first.subnet4, *second.subnet4),
                    "only two sites behind a NAT each may use the same addresses");
      return;
    }
    for (const auto& client : scenario_.clients) {
      if (sits_in(client, first) && sits_in(client, second)) {
        problems_.add(at_subnet(second, *second.subnet4), overlap(first, *first.subnet4, *second.subnet4),
                      in_quotes(client.name) + " sits in both and could not tell them apart");
        return;
      }
    }
  }

  static std::string overlap(const model::Site& first, const Prefix& of_first, const Prefix& of_second) {
    return to_string(of_second) + " overlaps " + to_string(of_first) + " of site " + in_quotes(first.name);
  }

  const model::Scenario& scenario_;
  const Node& root_;
  Problems& problems_;
};

}  // namespace

void check_meaning(const model::Scenario& scenario, const Node& root, Problems& problems) {
  MeaningCheck(scenario, root, problems).run();
}

}  // namespace crypelab::scenario
