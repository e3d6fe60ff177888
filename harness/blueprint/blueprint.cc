#include "harness/blueprint/blueprint.h"

#include <algorithm>

namespace crypelab::blueprint {

const Host* find_host(const Blueprint& blueprint, const std::string& name) {
  const auto found = std::ranges::find(blueprint.hosts, name, &Host::name);
  return found == blueprint.hosts.end() ? nullptr : &*found;
}

}  // namespace crypelab::blueprint
