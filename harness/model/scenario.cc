#include "harness/model/scenario.h"

#include <algorithm>

namespace crypelab::model {

const Site* find_site(const Scenario& scenario, const std::string& name) {
  const auto found = std::ranges::find(scenario.sites, name, &Site::name);
  return found == scenario.sites.end() ? nullptr : &*found;
}

const Client* find_client(const Scenario& scenario, const std::string& name) {
  const auto found = std::ranges::find(scenario.clients, name, &Client::name);
  return found == scenario.clients.end() ? nullptr : &*found;
}

}  // namespace crypelab::model
