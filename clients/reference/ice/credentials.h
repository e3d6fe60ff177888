#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/random.h"

#include <string>

namespace crypelab::client::ice {

// a=ice-ufrag and a=ice-pwd (RFC 8839 §5.4).
struct Credentials {
  std::string ufrag;
  std::string password;
  bool operator==(const Credentials&) const = default;

  // 48 and 144 bits (RFC 8445 §5.3: at least 24 and 128).
  static Credentials fresh(Random& random, const Misbehaviour& misbehaviour);
  // Of the lengths and characters that RFC 8839 §5.4 allows.
  bool valid() const;
};

}  // namespace crypelab::client::ice
