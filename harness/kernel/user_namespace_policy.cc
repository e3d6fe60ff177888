#include "harness/kernel/user_namespace_policy.h"

#include <fstream>

namespace crypelab::kernel {

namespace {

std::optional<long> read_number(const char* path) {
  std::ifstream file(path);
  long value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

}  // namespace

UserNamespacePolicy read_user_namespace_policy() {
  return {read_number("/proc/sys/kernel/unprivileged_userns_clone"), read_number("/proc/sys/user/max_user_namespaces"),
          read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")};
}

std::optional<std::string> why_forbidden(const UserNamespacePolicy& policy) {
  if (policy.unprivileged_clone == 0)
    return "kernel.unprivileged_userns_clone is 0; allow it with: sudo sysctl -w kernel.unprivileged_userns_clone=1";
  if (policy.most == 0)
    return "user.max_user_namespaces is 0; allow them with: sudo sysctl -w user.max_user_namespaces=15000";
  if (policy.apparmor_restricted.value_or(0) != 0)
    return "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1); allow them with: "
           "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  return std::nullopt;
}

}  // namespace crypelab::kernel
