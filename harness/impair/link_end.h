#pragma once

#include "harness/base/descriptor.h"

#include <cstdint>
#include <string>

namespace crypelab::impair {

// The end of a link in the cable namespace: a packet socket (packet(7)) on one interface, which takes every frame that
// comes in over it and puts frames out. The interface's peer lies in a site. Where the engine runs does not matter: the
// socket stays in the network namespace in which it was opened.
struct LinkEnd {
  Descriptor socket;
  int index = 0;
  std::string interface;

  // Opens the end in the network namespace of the calling thread. Needs CAP_NET_RAW there; no other power, so it works
  // without root. Throws Failure when the interface is missing or the kernel refuses. Frames are buffered from this
  // call on.
  //
  // The caller makes the veth pair, raises both ends, and gives the end in the cable namespace no address, and IPv6
  // disabled (net.ipv6.conf.IF.disable_ipv6=1): otherwise the cable itself speaks on the link. Offloads of the site's
  // end may stay on: where an impairment acts on single packets the engine cuts aggregate frames itself.
  static LinkEnd open(const std::string& interface);

  // Whether the interface and its peer are up, as of now. Waits for the kernel's configuration lock: not for every
  // frame.
  bool has_carrier() const;
};

// A netlink socket in the network namespace of the calling thread, through which the engine reads what interfaces
// dropped.
Descriptor open_route_socket();

struct InterfaceState {
  std::uint64_t dropped = 0;  // frames that it could not send, since it exists
  std::uint64_t downs = 0;    // how often it lost its carrier
};

// Of interface `index` (RTM_GETLINK: rtnl_link_stats64.tx_dropped, IFLA_CARRIER_DOWN_COUNT); zeros when there is none.
// Throws Failure when the kernel does not answer.
InterfaceState interface_state(const Descriptor& route, int index);

}  // namespace crypelab::impair
