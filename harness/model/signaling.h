#pragma once

#include "harness/model/server_certificate.h"

#include <string>
#include <vector>

namespace crypelab::model {

// The signaling server of the standard world.
struct Signaling {
  // A vendor's own, and its arguments, in which "{here}" stands for `folder` and "{config}" for the file that says what
  // it is to do (clients/CONTRACT.md); empty: the reference server.
  std::vector<std::string> program;
  std::string folder;  // of the machine outside, which that program may read; or empty
  ServerCertificate certificate = ServerCertificate::valid;
  ServerKey key = ServerKey::ecdsa;
  bool operator==(const Signaling&) const = default;
};

}  // namespace crypelab::model
