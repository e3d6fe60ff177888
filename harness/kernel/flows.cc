#include "harness/kernel/flows.h"

#include "harness/kernel/netlink.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace crypelab::kernel {

void forget_flows(const NetworkNamespace& in) {
  const InNamespace inside(in);
  NetlinkSocket socket(NETLINK_NETFILTER);
  NetlinkMessage message(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0);
  message.header(nfgenmsg{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = 0});
  socket.request(message, "forget the flows of a host", "connection tracking over netlink (CONFIG_NF_CT_NETLINK)");
}

}  // namespace crypelab::kernel
