#include "harness/kernel/cable.h"

#include "harness/base/error.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

namespace crypelab::kernel {

namespace {

void describe(NetlinkMessage& message, const CableEnd& end) {
  message.put_string(IFLA_IFNAME, end.name);
  message.put(IFLA_ADDRESS, end.mac.data(), end.mac.size());
  message.put_u32(IFLA_MTU, end.mtu);
  // The default is a queue for every processor that the machine could ever have; more only cost time to create.
  message.put_u32(IFLA_NUM_TX_QUEUES, 1);
  message.put_u32(IFLA_NUM_RX_QUEUES, 1);
  if (!end.segmentation_offload) message.put_u32(IFLA_GSO_MAX_SEGS, 1);
}

Link lay(const CableEnd& first, const CableEnd& second) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  describe(message, first);
  message.nest(IFLA_LINKINFO, [&] {
    message.put_string(IFLA_INFO_KIND, "veth");
    message.nest(IFLA_INFO_DATA, [&] {
      message.nest(VETH_INFO_PEER, [&] {
        message.header(ifinfomsg{});
        describe(message, second);
        message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(second.in.descriptor()));
      });
    });
  });
  first.in.route().request(message, fmt::format("lay a cable from {} to {}", first.name, second.name),
                           "veth (CONFIG_VETH)");
  return {first.in, first.name};
}

}  // namespace

Cable::Cable(const CableEnd& first, const CableEnd& second)
    : first_(lay(first, second)), second_(second.in, second.name) {}

void Cable::raise() {
  first_.up();
  second_.up();
  first_.settle();
  second_.settle();
}

void Cable::cut() { first_.destroy(); }

CarrierLoss::CarrierLoss(const Link& near, const Link& far) : near_(near), far_(far), addressing_(far) {
  far_.down();
  near_.settle();
}

void CarrierLoss::end() {
  ended_ = true;
  far_.up();
  near_.settle();
  far_.settle();
  addressing_.restore();
  far_.await_addresses();
}

CarrierLoss::~CarrierLoss() {
  if (ended_) return;
  try {
    end();
  } catch (const Failure&) {  // the cable was cut, or its namespace is going
  }
}

}  // namespace crypelab::kernel
