#pragma once

namespace crypelab::impair {

// Asks the kernel to wake the calling thread when its timers say: timer slack of 1 ns and real-time scheduling; where
// that is not allowed, as without root, a better nice value if possible and a short slice, which the scheduler of Linux
// 6.12 and later takes as a wish for early turns. All of it is a wish: what came of it is measured
// (LinkCounters::late_p50 and following).
void prefer_low_latency();

}  // namespace crypelab::impair
