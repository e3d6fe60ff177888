#include "harness/kernel/queue_rule.h"

#include "harness/kernel/netlink.h"
#include "harness/kernel/nft_family.h"

#include <cerrno>
#include <functional>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netlink.h>

namespace crypelab::kernel {
namespace {

using Expression = std::function<void(NetlinkMessage& message)>;

void put_u16(NetlinkMessage& message, int attribute, std::uint16_t value) {
  const std::uint16_t wire = htons(value);
  message.put(attribute, &wire, sizeof wire);
}

// A rule of one expression, in front of all others of the chain.
NetlinkAnswer insert_rule(NetlinkSocket& socket, const RuleTable& table, const std::string& chain,
                          const Expression& expression) {
  const nfgenmsg frame{0, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  NetlinkMessage begin(NFNL_MSG_BATCH_BEGIN, 0);
  begin.header(frame);
  NetlinkMessage rule((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_ACK);
  rule.header(nfgenmsg{nft_family(table.family), NFNETLINK_V0, 0});
  rule.put_string(NFTA_RULE_TABLE, table.name);
  rule.put_string(NFTA_RULE_CHAIN, chain);
  rule.nest(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED,
            [&] { rule.nest(NFTA_LIST_ELEM | NLA_F_NESTED, [&] { expression(rule); }); });
  NetlinkMessage end(NFNL_MSG_BATCH_END, 0);
  end.header(frame);
  return socket.ask_batch({&begin, &rule, &end});
}

}  // namespace

void queue_packets(const NetworkNamespace& in, const RuleTable& table, const std::string& chain, std::uint16_t number) {
  NetlinkSocket socket = (InNamespace(in), NetlinkSocket(NETLINK_NETFILTER));
  auto answer = insert_rule(socket, table, chain, [number](NetlinkMessage& message) {
    message.put_string(NFTA_EXPR_NAME, "queue");
    message.nest(NFTA_EXPR_DATA | NLA_F_NESTED, [&] {
      put_u16(message, NFTA_QUEUE_NUM, number);
      put_u16(message, NFTA_QUEUE_TOTAL, 1);
      put_u16(message, NFTA_QUEUE_FLAGS, 0);
    });
  });
  if (answer.error == 0) return;
  const auto own_words = answer;
  answer = insert_rule(socket, table, chain, [number](NetlinkMessage& message) {
    message.put_string(NFTA_EXPR_NAME, "target");
    message.nest(NFTA_EXPR_DATA | NLA_F_NESTED, [&] {
      const xt_NFQ_info_v3 target{number, 1, 0};
      message.put_string(NFTA_TARGET_NAME, "NFQUEUE");
      message.put_u32(NFTA_TARGET_REV, htonl(3));
      message.put(NFTA_TARGET_INFO, &target, sizeof target);
    });
  });
  if (answer.error == 0) return;
  throw_refusal(own_words.error == ENOENT ? answer : own_words,
                fmt::format("hand the packets of chain {} to a program", chain),
                "nft queue (CONFIG_NFT_QUEUE) nor NFQUEUE (CONFIG_NETFILTER_XT_TARGET_NFQUEUE, CONFIG_NFT_COMPAT)");
}

}  // namespace crypelab::kernel
