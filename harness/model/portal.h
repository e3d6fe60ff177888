#pragma once

#include "harness/base/units.h"

#include <optional>

namespace crypelab::model {

// A captive portal (RFC 8952): hosts that have not been released are led to a login page, portal.SITE.test, by a
// redirect of their HTTP. Nothing else of theirs leaves the site.
struct Portal {
  // What they find on port 443: a server whose certificate is the portal's own, by an authority that nobody knows, or
  // none.
  enum class Tls { foreign_certificate, reset } tls = Tls::foreign_certificate;
  std::optional<Duration> released;  // so long after the start everybody may go on
  std::optional<Duration> closes;    // so long after the start nobody may any more, whoever was released
  bool dns_hijacked = false;         // until then every name leads to the portal
  bool operator==(const Portal&) const = default;
};

}  // namespace crypelab::model
