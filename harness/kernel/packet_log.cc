#include "harness/kernel/packet_log.h"

#include "harness/base/error.h"
#include "harness/kernel/netlink.h"
#include "harness/kernel/nft_family.h"

#include <array>
#include <cerrno>
#include <string_view>

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

namespace crypelab::kernel {
namespace {

constexpr const char* kFeature =
    "nft log and nfnetlink_log (CONFIG_NFT_LOG, CONFIG_NFT_LIMIT, CONFIG_NETFILTER_NETLINK_LOG)";
constexpr const char* kLogTable = "crypelab_log";
constexpr const char* kLogChain = "sent";
constexpr std::uint16_t kGroup = 20'000;
constexpr std::uint32_t kKept = 128;
constexpr std::uint32_t kSmall = 600;  // bytes of IP packet: STUN, DNS, a SYN, a ClientHello of DTLS
constexpr std::uint64_t kSmallASecond = 2'000;
constexpr std::uint64_t kLargeASecond = 100;
constexpr int kMostMessages = 256;
constexpr std::uint32_t kLocalOut = 3;  // enum nf_inet_hooks of <linux/netfilter.h>, which does not go with C++
constexpr std::size_t kLogBuffer = 64 * 1024;

void expression(NetlinkMessage& rule, const char* name, const std::function<void()>& data) {
  rule.nest(NFTA_LIST_ELEM | NLA_F_NESTED, [&] {
    rule.put_string(NFTA_EXPR_NAME, name);
    rule.nest(NFTA_EXPR_DATA | NLA_F_NESTED, data);
  });
}

// meta length < or >= kSmall limit rate `a_second`/second log group kGroup
void fill_rule(NetlinkMessage& rule, std::uint32_t comparison, std::uint64_t a_second) {
  rule.header(nfgenmsg{nft_family("inet"), NFNETLINK_V0, 0});
  rule.put_string(NFTA_RULE_TABLE, kLogTable);
  rule.put_string(NFTA_RULE_CHAIN, kLogChain);
  rule.nest(NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, [&] {
    expression(rule, "meta", [&] {
      rule.put_u32(NFTA_META_DREG, htonl(NFT_REG_1));
      rule.put_u32(NFTA_META_KEY, htonl(NFT_META_LEN));
    });
    // Registers are compared byte by byte.
    expression(rule, "byteorder", [&] {
      rule.put_u32(NFTA_BYTEORDER_SREG, htonl(NFT_REG_1));
      rule.put_u32(NFTA_BYTEORDER_DREG, htonl(NFT_REG_1));
      rule.put_u32(NFTA_BYTEORDER_OP, htonl(NFT_BYTEORDER_HTON));
      rule.put_u32(NFTA_BYTEORDER_LEN, htonl(4));
      rule.put_u32(NFTA_BYTEORDER_SIZE, htonl(4));
    });
    expression(rule, "cmp", [&] {
      rule.put_u32(NFTA_CMP_SREG, htonl(NFT_REG_1));
      rule.put_u32(NFTA_CMP_OP, htonl(comparison));
      rule.nest(NFTA_CMP_DATA | NLA_F_NESTED, [&] { rule.put_u32(NFTA_DATA_VALUE, htonl(kSmall)); });
    });
    expression(rule, "limit", [&] {
      rule.put_u64(NFTA_LIMIT_RATE, htobe64(a_second));
      rule.put_u64(NFTA_LIMIT_UNIT, htobe64(1));
      rule.put_u32(NFTA_LIMIT_BURST, htonl(static_cast<std::uint32_t>(a_second)));
      rule.put_u32(NFTA_LIMIT_TYPE, htonl(NFT_LIMIT_PKTS));
    });
    expression(rule, "log", [&] {
      const auto group = htons(kGroup);
      rule.put(NFTA_LOG_GROUP, &group, sizeof group);
      rule.put_u32(NFTA_LOG_SNAPLEN, htonl(kKept));
    });
  });
}

NetlinkAnswer add_rules(NetlinkSocket& socket) {
  const nfgenmsg frame{0, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  const nfgenmsg inet{nft_family("inet"), NFNETLINK_V0, 0};
  NetlinkMessage begin(NFNL_MSG_BATCH_BEGIN, 0);
  begin.header(frame);
  NetlinkMessage table((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWTABLE, NLM_F_CREATE);
  table.header(inet);
  table.put_string(NFTA_TABLE_NAME, kLogTable);
  NetlinkMessage chain((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  chain.header(inet);
  chain.put_string(NFTA_CHAIN_TABLE, kLogTable);
  chain.put_string(NFTA_CHAIN_NAME, kLogChain);
  chain.put_string(NFTA_CHAIN_TYPE, "filter");
  chain.nest(NFTA_CHAIN_HOOK | NLA_F_NESTED, [&] {
    chain.put_u32(NFTA_HOOK_HOOKNUM, htonl(kLocalOut));
    chain.put_u32(NFTA_HOOK_PRIORITY, htonl(0));
  });
  NetlinkMessage small((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  fill_rule(small, NFT_CMP_LT, kSmallASecond);
  NetlinkMessage large((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
  fill_rule(large, NFT_CMP_GTE, kLargeASecond);
  NetlinkMessage end(NFNL_MSG_BATCH_END, 0);
  end.header(frame);
  return socket.ask_batch({&begin, &table, &chain, &small, &large, &end});
}

// Of the log's own socket, which gets packets as soon as it is bound: they may come before the acknowledgement.
int configure(const Descriptor& socket, const std::function<void(NetlinkMessage&)>& fill) {
  NetlinkMessage message((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG, NLM_F_ACK);
  message.header(nfgenmsg{0, NFNETLINK_V0, htons(kGroup)});
  fill(message);
  if (::send(socket.get(), message.bytes(), message.bytes()->nlmsg_len, 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  while (true) {
    const auto got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
    if (answer->nlmsg_type == NLMSG_ERROR) return -static_cast<const nlmsgerr*>(nlmsg_data(answer))->error;
  }
}

std::optional<LoggedPacket> logged(nlmsghdr* header) {
  if (header->nlmsg_type != ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET)) return std::nullopt;
  std::array<nlattr*, NFULA_MAX + 1> found{};
  if (nlmsg_parse(header, sizeof(nfgenmsg), found.data(), NFULA_MAX, nullptr) < 0) return std::nullopt;
  if (found[NFULA_PAYLOAD] == nullptr) return std::nullopt;
  LoggedPacket packet;
  if (found[NFULA_UID] != nullptr) packet.user = ntohl(nla_get_u32(found[NFULA_UID]));
  packet.packet = {static_cast<const std::uint8_t*>(nla_data(found[NFULA_PAYLOAD])),
                   static_cast<std::size_t>(nla_len(found[NFULA_PAYLOAD]))};
  return packet;
}

}  // namespace

PacketLog::PacketLog(const NetworkNamespace& in)
    : socket_(in.open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)), buffer_(kLogBuffer) {
  const nfulnl_msg_config_cmd bind{NFULNL_CFG_CMD_BIND};
  int error = configure(socket_, [&](NetlinkMessage& message) { message.put(NFULA_CFG_CMD, &bind, sizeof bind); });
  const nfulnl_msg_config_mode mode{htonl(kKept), NFULNL_COPY_PACKET, 0};
  if (error == 0) {
    error = configure(socket_, [&](NetlinkMessage& message) {
      message.put(NFULA_CFG_MODE, &mode, sizeof mode);
      message.put_u32(NFULA_CFG_QTHRESH, htonl(1));  // each at once: its socket may be gone a moment later
    });
  }
  if (error != 0) throw_refusal({error, ""}, "listen to the packets that are logged", kFeature);
  const int on = 1;
  setsockopt(socket_.get(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  NetlinkSocket rules = (InNamespace(in), NetlinkSocket(NETLINK_NETFILTER));
  if (const auto answer = add_rules(rules); answer.error != 0)
    throw_refusal(answer, "log the packets that programs send", kFeature);
}

void PacketLog::read(const std::function<void(const LoggedPacket&)>& take) {
  for (int messages = 0; messages < kMostMessages; ++messages) {
    const auto got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0) return;
    int left = static_cast<int>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data()); nlmsg_ok(header, left) != 0;
         header = nlmsg_next(header, &left)) {
      if (const auto packet = logged(header)) take(*packet);
    }
  }
}

}  // namespace crypelab::kernel
