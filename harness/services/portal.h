#pragma once

#include "harness/model/portal.h"
#include "harness/services/process.h"

#include <string>
#include <vector>

// A captive portal at a site's edge (crypelab-faults portal, ours). Its events: read_web_log.
namespace crypelab::services {

struct PortalSettings {
  std::string process;  // "hotel.portal"
  std::string host;
  std::string full_name;        // "portal.hotel.test"
  std::vector<Prefix> subnets;  // of the site; the addresses are the edge's own, where it listens on 80 and 443
  model::Portal portal;
};
Process portal(const PortalSettings& settings);

}  // namespace crypelab::services
