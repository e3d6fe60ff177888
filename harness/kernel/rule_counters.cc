#include "harness/kernel/rule_counters.h"

#include "harness/base/error.h"
#include "harness/kernel/nft_family.h"

#include <array>
#include <cerrno>
#include <utility>

#include <endian.h>
#include <fmt/format.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

namespace crypelab::kernel {

namespace {

std::uint64_t big_endian(const nlattr* attribute) {
  return attribute == nullptr ? 0 : be64toh(nla_get_u64(const_cast<nlattr*>(attribute)));
}

}  // namespace

RuleCounters::RuleCounters(const NetworkNamespace& in, RuleTable table)
    : table_(std::move(table)), socket_((InNamespace(in), NETLINK_NETFILTER)) {}

std::map<std::string, RuleCount, std::less<>> RuleCounters::read() {
  NetlinkMessage message((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETOBJ, NLM_F_DUMP);
  message.header(nfgenmsg{nft_family(table_.family), NFNETLINK_V0, 0});
  message.put_string(NFTA_OBJ_TABLE, table_.name);
  message.put_u32(NFTA_OBJ_TYPE, htobe32(NFT_OBJECT_COUNTER));

  std::map<std::string, RuleCount, std::less<>> counters;
  const auto take = [&counters](const nlmsghdr& found) {
    auto* whole = const_cast<nlmsghdr*>(&found);
    std::array<nlattr*, NFTA_OBJ_MAX + 1> object{};
    std::array<nlattr*, NFTA_COUNTER_MAX + 1> values{};
    if (nlmsg_parse(whole, sizeof(nfgenmsg), object.data(), NFTA_OBJ_MAX, nullptr) < 0) return;
    if (object[NFTA_OBJ_NAME] == nullptr || object[NFTA_OBJ_DATA] == nullptr) return;
    if (nla_parse_nested(values.data(), NFTA_COUNTER_MAX, object[NFTA_OBJ_DATA], nullptr) < 0) return;
    counters[nla_get_string(object[NFTA_OBJ_NAME])] = {big_endian(values[NFTA_COUNTER_PACKETS]),
                                                       big_endian(values[NFTA_COUNTER_BYTES])};
  };
  socket_.list(message, fmt::format("read the counters of table {} {}", table_.family, table_.name), take,
               [&counters] { counters.clear(); });
  return counters;
}

}  // namespace crypelab::kernel
