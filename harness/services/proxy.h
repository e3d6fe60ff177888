#pragma once

#include "harness/model/proxy.h"
#include "harness/services/kerberos.h"
#include "harness/services/process.h"

#include <optional>
#include <string>
#include <vector>

namespace crypelab::services {

// A proxy and its place in the lab: what every implementation of one is told.
struct ProxySettings {
  std::string process;    // "office.proxy"
  std::string host;       // where it runs
  std::string full_name;  // "proxy.office.test"
  std::string realm;      // "OFFICE.TEST": of Basic and Digest, of Kerberos, and the domain of NTLM up to the dot
  std::vector<Address> resolvers;  // its own, not the site's
  std::optional<Realm> kerberos;   // with Negotiate
  std::optional<Endpoint> parent;  // the proxy that it forwards to
  std::string parent_name;
  std::string parent_process;
  bool loopback = false;  // it listens to its own host alone
  model::Proxy proxy;
};

}  // namespace crypelab::services
