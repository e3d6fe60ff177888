#pragma once

#include "harness/kernel/link.h"

#include <cstdint>
#include <vector>

namespace crypelab::kernel {

// What an interface loses when it goes down, as the kernel describes it: its IPv6 addresses, and the routes out of it
// that somebody added. (IPv4 addresses stay; routes that come with an address come back with it.)
class SavedAddressing {
 public:
  // Throws Failure.
  explicit SavedAddressing(const Link& link);
  // Puts back what is missing; the interface must be up. Throws Failure.
  void restore() const;

 private:
  using Message = std::vector<std::uint8_t>;  // the family's header and the attributes

  Link link_;
  std::vector<Message> addresses_;
  std::vector<Message> routes_;
};

}  // namespace crypelab::kernel
