#pragma once

#include "harness/kernel/host_view.h"

namespace crypelab::kernel {

// Both work on the mount namespace of the calling thread, which must be its own. They throw Failure.

// Turns it into what `plan` says; the machine's root is gone from it afterwards. The new root can still be written.
void build_host_root(const HostViewPlan& plan);
// Makes the root and /dev read-only.
void seal_host_root();

}  // namespace crypelab::kernel
