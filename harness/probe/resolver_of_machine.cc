#include "harness/probe/resolver_of_machine.h"

#include <fstream>
#include <sstream>

namespace crypelab::probe {

Endpoint resolver_from(std::istream& resolv_conf) {
  std::string line;
  while (std::getline(resolv_conf, line)) {
    std::istringstream words(line);
    std::string keyword;
    std::string value;
    if (!(words >> keyword >> value) || keyword != "nameserver") continue;
    if (const auto address = parse_address(value.substr(0, value.find('%')))) return {*address, 53};
  }
  return {Address::v4(0x7F000001), 53};
}

Endpoint resolver_of_machine() {
  std::ifstream file("/etc/resolv.conf");
  return resolver_from(file);
}

}  // namespace crypelab::probe
