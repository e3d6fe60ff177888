#include "harness/impair/low_latency.h"

#include <cstdint>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace crypelab::impair {
namespace {

// struct sched_attr of sched_setattr(2), first version; the C library declares none.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

constexpr int kNice = -15;
constexpr std::uint64_t kSlice = 100'000;  // ns, the smallest that the kernel takes

}  // namespace

void prefer_low_latency() {
  ::prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
  // Real time where that is allowed (as root): on a machine that compiles beside the lab it takes the 99th percentile
  // of lateness from 4.5 ms to 0.2 ms. The kernel keeps a share of each processor for everybody else.
  sched_param parameters{};
  parameters.sched_priority = ::sched_get_priority_min(SCHED_RR);
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0) return;
  ::setpriority(PRIO_PROCESS, 0, kNice);
  SchedulingAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0 && attributes.policy == 0) {
    attributes.runtime = kSlice;
    ::syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
}

}  // namespace crypelab::impair
