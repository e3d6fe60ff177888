#pragma once

namespace crypelab::impair {

// Asks the kernel to wake the calling thread when its timers say: timer slack of 1 ns, a short slice (which the
// scheduler of Linux 6.12 and later takes as a wish for early turns), and priority over the programs under test where
// that is allowed. All of it is a wish; what came of it is measured (LinkCounters::late_p50 ...).
void prefer_low_latency();

}  // namespace crypelab::impair
