#include "harness/kernel/neighbour.h"

#include "harness/kernel/netlink.h"

#include <fmt/format.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace crypelab::kernel {

void set_neighbour(const Link& link, const Address& address, const Mac& mac) {
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg header{};
  header.ndm_family = address.is_v4() ? AF_INET : AF_INET6;
  header.ndm_ifindex = static_cast<int>(link.index());
  header.ndm_state = NUD_PERMANENT;
  message.header(header);
  message.put_address(NDA_DST, address);
  message.put(NDA_LLADDR, mac.data(), mac.size());
  link.in().route().request(message,
                            fmt::format("set neighbour {} behind {}", crypelab::to_string(address), link.name()));
}

}  // namespace crypelab::kernel
