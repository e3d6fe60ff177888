#pragma once

#include "harness/base/units.h"
#include "harness/model/turn.h"

#include <string>

namespace crypelab::model {

// What the hosts of a site are told about proxies: a function of JavaScript, FindProxyForURL(url, host), on a web
// server of the site, as pac.SITE.test/proxy.pac.
struct Pac {
  std::string content;  // served as it is
  bool wpad = false;    // found by name alone, too: the site's hosts search SITE.test, where wpad is, with /wpad.dat
  Duration delay{0};    // before the file comes
  ServerState state = ServerState::up;  // silent: connections are taken, and nothing is ever answered
  bool operator==(const Pac&) const = default;
};

}  // namespace crypelab::model
