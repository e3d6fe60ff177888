#include "harness/evidence/attempt.h"

#include <algorithm>

namespace crypelab::evidence {

const Party* Attempt::party(const std::string& client) const {
  const auto found = std::ranges::find(parties, client, &Party::client);
  return found == parties.end() ? nullptr : &*found;
}

std::string_view to_string(Interface::Kind kind) {
  switch (kind) {
    case Interface::Kind::border:
      return "border";
    case Interface::Kind::carrier:
      return "carrier";
    case Interface::Kind::lan:
      return "lan";
    case Interface::Kind::server:
      return "server";
  }
  return "";
}

}  // namespace crypelab::evidence
