#pragma once

#include "harness/kernel/network_namespace.h"
#include "harness/kernel/rule_set.h"

#include <cstdint>
#include <string>

namespace crypelab::kernel {

// Puts a rule in front of all others of a chain: every packet that comes there is handed to queue `number` (see
// PacketQueue), and is dropped when nobody listens. The rule is nftables' own `queue` where the kernel has it, and the
// target NFQUEUE of x_tables where it has that: the nft program can write only the former, so the rule goes to the
// kernel directly, and whatever stands in the chain holds until it is there. Throws Failure when the kernel has
// neither, or there is no such chain.
void queue_packets(const NetworkNamespace& in, const RuleTable& table, const std::string& chain, std::uint16_t number);

}  // namespace crypelab::kernel
