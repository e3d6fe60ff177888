#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/site_plan.h"
#include "harness/services/kerberos.h"

#include <optional>

// The Kerberos realm of a site whose proxies ask for Negotiate.
namespace crypelab::blueprint {

inline constexpr const char* kKdc = "kdc";  // the server's name in the site

std::optional<services::Realm> realm_of(const SitePlan& site);
// The client's host holds a ticket of that user: the cache is in its home and KRB5CCNAME names it.
void give_ticket(Host& host, const services::Realm& realm, const model::ProxyUser& user);

}  // namespace crypelab::blueprint
