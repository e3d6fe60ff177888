#pragma once

#include "harness/kernel/network_namespace.h"
#include "harness/kernel/tool.h"

#include <string>
#include <vector>

namespace crypelab::kernel {

// The name of an nftables table: family as nft says it (inet, ip, ip6, bridge, netdev, arp) and name.
struct RuleTable {
  std::string family;
  std::string name;
};

// Rule text on its way into a namespace: one `nft -f -`, one transaction, all of it or nothing. It runs beside its
// creator, so that many namespaces load side by side: start all, then finish all.
class RuleSetLoad {
 public:
  // `text` as nft(8) reads it. The tables in `replaced` that are there already vanish in the same transaction, with
  // their counters, sets and maps; no other table is touched. Without `replaced` the text adds to what is there:
  // elements, rules, or, with `flush chain` in front, new rules that keep the counters. Throws Failure if nft cannot be
  // started.
  RuleSetLoad(const NetworkNamespace& in, std::string text, const std::vector<RuleTable>& replaced = {});
  // Waits until the rules are in force. Throws Failure: the line of `text` that was refused, and nft's or the kernel's
  // own words.
  void finish();

 private:
  std::string text_;
  Tool nft_;
};

// Start and finish in one.
void load_rules(const NetworkNamespace& in, const std::string& text, const std::vector<RuleTable>& replaced = {});

// What a person needs of nft's complaint about `text`, whose first line nft saw as line 1 + `shift`: "line 3: `the
// line`: reason".
std::string explain_refusal(const std::string& complaint, const std::string& text, unsigned shift);

}  // namespace crypelab::kernel
