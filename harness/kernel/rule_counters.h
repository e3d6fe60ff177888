#pragma once

#include "harness/kernel/rule_set.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace crypelab::kernel {

struct RuleCount {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  bool operator==(const RuleCount&) const = default;
};

// The named counters of one table, read over nfnetlink (about ten microseconds; `nft list counters` takes
// milliseconds). Bytes are those of the IP packet.
class RuleCounters {
 public:
  // The table need not be there yet. Throws Failure.
  RuleCounters(const NetworkNamespace& in, RuleTable table);
  // By counter name; empty while there is no such table. Throws Failure.
  std::map<std::string, RuleCount, std::less<>> read();

 private:
  RuleTable table_;
  NetlinkSocket socket_;
};

}  // namespace crypelab::kernel
