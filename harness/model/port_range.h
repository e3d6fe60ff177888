#pragma once

#include <cstdint>

namespace crypelab::model {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const PortRange&) const = default;
};

}  // namespace crypelab::model
