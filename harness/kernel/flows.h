#pragma once

#include "harness/kernel/network_namespace.h"

namespace crypelab::kernel {

// Drops every entry of the connection tracking table of a namespace (IPCTNL_MSG_CT_DELETE without a tuple), as a
// firewall does that restarts: mappings are gone, and what comes next is new. Throws Failure.
void forget_flows(const NetworkNamespace& in);

}  // namespace crypelab::kernel
