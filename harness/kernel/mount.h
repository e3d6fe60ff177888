#pragma once

#include "harness/kernel/supervisor.h"

#include <cstdint>
#include <optional>
#include <string>

namespace crypelab::kernel {

// Mounts in the calling thread's mount namespace; each throws Failure "mounting TYPE at TARGET: reason".
struct Tmpfs {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  unsigned mode = 0755;
  std::optional<Identity> owner;  // whoever mounts it, otherwise
};
void mount_tmpfs(const std::string& target, const Tmpfs& size, unsigned long flags);
void mount_new(const char* type, const std::string& target, unsigned long flags, const char* options = nullptr);
// `source` and everything mounted below it, read-only, at `target`, which must exist. `attributes` are further
// MOUNT_ATTR_*.
void bind_read_only(const std::string& source, const std::string& target, std::uint64_t attributes);
// Makes the mount at `target` read-only, not those below it.
void make_read_only(const std::string& target);

}  // namespace crypelab::kernel
