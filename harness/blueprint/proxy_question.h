#pragma once

#include "harness/base/measure.h"
#include "harness/blueprint/site_plan.h"

#include <string>
#include <vector>

namespace crypelab::blueprint {

// What a proxy of the site must answer to somebody without credentials.
struct ProxyQuestion {
  std::string name;  // of the proxy
  measure::Challenge ask;
  std::uint32_t status = 0;  // 0: neither a challenge (407) nor a refusal (403)
  std::vector<std::string> schemes;
};

// One for each proxy that is Squid, explicit and reached without TLS, of a target that moves nobody outside the site:
// the one that the rules would let pass where it asks for credentials, one that they refuse where it does not. Proxies
// that misbehave on request are left out: they may answer anything.
std::vector<ProxyQuestion> proxy_questions(const SitePlan& plan);

}  // namespace crypelab::blueprint
