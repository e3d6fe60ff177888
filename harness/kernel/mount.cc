#include "harness/kernel/mount.h"

#include "harness/base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>

namespace crypelab::kernel {

void mount_tmpfs(const std::string& target, const Tmpfs& size, unsigned long flags) {
  std::string options = fmt::format("size={},nr_inodes={},mode={:o}", size.bytes, size.files, size.mode);
  if (size.owner) options += fmt::format(",uid={},gid={}", size.owner->user, size.owner->group);
  mount_new("tmpfs", target, flags, options.c_str());
}

void mount_new(const char* type, const std::string& target, unsigned long flags, const char* options) {
  if (::mount(type, target.c_str(), type, flags, options) < 0)
    throw_errno(fmt::format("mounting {} at {}", type, target));
}

void bind_read_only(const std::string& source, const std::string& target, std::uint64_t attributes) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) < 0)
    throw_errno(fmt::format("showing {} at {}", source, target));
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY | attributes;
  if (::mount_setattr(AT_FDCWD, target.c_str(), AT_RECURSIVE, &change, sizeof change) < 0)
    throw_errno(fmt::format("making {} read-only", target));
}

void make_read_only(const std::string& target) {
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, target.c_str(), 0, &change, sizeof change) < 0)
    throw_errno(fmt::format("making {} read-only", target));
}

}  // namespace crypelab::kernel
