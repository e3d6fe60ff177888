#pragma once

#include "harness/base/address.h"

#include <istream>

namespace crypelab::probe {

// The first "nameserver" of resolv.conf(5); without one the machine itself, as there.
Endpoint resolver_from(std::istream& resolv_conf);
Endpoint resolver_of_machine();

}  // namespace crypelab::probe
