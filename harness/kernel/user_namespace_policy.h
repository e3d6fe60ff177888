#pragma once

#include <optional>
#include <string>

namespace crypelab::kernel {

// What this machine's settings say about user namespaces, which a lab needs when it does not run as root.
struct UserNamespacePolicy {
  std::optional<long> unprivileged_clone;   // kernel.unprivileged_userns_clone (Debian's patch); absent: allowed
  std::optional<long> most;                 // user.max_user_namespaces
  std::optional<long> apparmor_restricted;  // kernel.apparmor_restrict_unprivileged_userns (Ubuntu 23.10 and newer)
};

UserNamespacePolicy read_user_namespace_policy();
// The setting that forbids user namespaces and the exact command that allows them; nothing when no setting does.
std::optional<std::string> why_forbidden(const UserNamespacePolicy& policy);

}  // namespace crypelab::kernel
