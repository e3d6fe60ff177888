#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/evidence/attempt.h"

#include <string>
#include <vector>

namespace crypelab::lab {

// An interface at which packets are captured.
struct CapturePoint {
  evidence::Interface interface;
  std::string device;  // its name on its host
  bool operator==(const CapturePoint&) const = default;
};

// The borders of the sites, the clients' own interfaces, and those of the servers that clients talk to, in the order of
// the blueprint. The world's DNS server and the reflector are left out: what reaches them has passed a border.
std::vector<CapturePoint> capture_points(const blueprint::Blueprint& plan);

}  // namespace crypelab::lab
