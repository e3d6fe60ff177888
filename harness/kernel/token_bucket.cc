#include "harness/kernel/token_bucket.h"

#include "harness/base/error.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace crypelab::kernel {

namespace {

constexpr std::uint64_t kFullFrame = 1514;
constexpr std::uint32_t kHandle = 1U << 16;  // "1:"

std::uint64_t bytes_in(BitRate rate, Duration time) {
  return rate.bits_per_second / 8 * static_cast<std::uint64_t>(time.count()) / 1'000'000;
}

tcmsg header_of(const Link& link) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = static_cast<int>(link.index());
  header.tcm_handle = kHandle;
  header.tcm_parent = TC_H_ROOT;
  return header;
}

std::uint32_t clamped(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

void set(const Link& link, int flags, const Shaping& shaping) {
  if (shaping.rate.bits_per_second < 8)
    throw Failure(Exit::data, fmt::format("a rate of 0 on {}: lower the link", link.name()));
  NetlinkMessage message(RTM_NEWQDISC, flags);
  message.header(header_of(link));
  message.put_string(TCA_KIND, "tbf");
  message.nest(TCA_OPTIONS, [&] {
    const std::uint64_t rate = shaping.rate.bits_per_second / 8;
    tc_tbf_qopt options{};
    options.limit = clamped(shaping.queue.bytes);
    options.rate.rate = clamped(rate);
    // Said to be known, so that the kernel computes with the exact rate instead of a table of 256 sizes.
    options.rate.linklayer = TC_LINKLAYER_ETHERNET;
    message.put(TCA_TBF_PARMS, &options, sizeof options);
    if (rate > std::numeric_limits<std::uint32_t>::max()) message.put_u64(TCA_TBF_RATE64, rate);
    message.put_u32(TCA_TBF_BURST, clamped(shaping.burst.bytes));
  });
  link.in().route().request(message, fmt::format("shape {} to {}", link.name(), to_string(shaping.rate)),
                            "token bucket (CONFIG_NET_SCH_TBF)");
}

}  // namespace

Shaping shaping_for(BitRate rate, Duration waiting) {
  const std::uint64_t burst = std::max<std::uint64_t>(2 * kFullFrame, bytes_in(rate, std::chrono::milliseconds(5)));
  const std::uint64_t queue = std::max<std::uint64_t>(10 * kFullFrame, bytes_in(rate, waiting));
  return {rate, {burst}, {queue}};
}

TokenBucket::TokenBucket(const Link& leaving, const Shaping& shaping) : link_(leaving) {
  set(link_, NLM_F_CREATE | NLM_F_EXCL, shaping);
}

void TokenBucket::replace(const Shaping& shaping) { set(link_, 0, shaping); }

TokenBucket::~TokenBucket() {
  try {
    NetlinkMessage message(RTM_DELQDISC, 0);
    message.header(header_of(link_));
    link_.in().route().ask(message);
  } catch (const Failure&) {  // without its namespace there is nothing left to take away
  }
}

}  // namespace crypelab::kernel
