#pragma once

#include "harness/base/address.h"
#include "harness/kernel/network_namespace.h"

#include <array>
#include <cstdint>
#include <string>

namespace crypelab::kernel {

using Mac = std::array<std::uint8_t, 6>;

// "02:00:00:00:00:01"
std::string to_string(const Mac& mac);

struct LinkStatistics {
  std::uint64_t received_packets = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_dropped = 0;
  std::uint64_t sent_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sent_dropped = 0;
};

struct LinkState {
  std::string name;
  bool up = false;       // administratively
  bool carrier = false;  // the other end of the cable is there and up
  std::uint32_t mtu = 0;
  std::uint32_t master = 0;  // index of the bridge, 0 without one
  Mac mac{};
  LinkStatistics statistics;
};

// A network interface of a namespace, by index: a handle, it owns nothing. Everything throws Failure naming the
// interface.
class Link {
 public:
  // Looks `name` up; Failure if the namespace has no such interface.
  Link(const NetworkNamespace& in, std::string name);
  Link(const NetworkNamespace& in, std::string name, unsigned index);

  const NetworkNamespace& in() const { return *in_; }
  const std::string& name() const { return name_; }
  unsigned index() const { return index_; }

  void up();
  // Makes the kernel act on a carrier that came or went now: by itself it takes up to a second, during which a bridge
  // port forwards nothing.
  void settle();
  // As on a real machine, going down loses the interface's IPv6 addresses and all its routes.
  void down();
  void set_mtu(std::uint32_t mtu);
  void rename(const std::string& name);  // the interface must be down
  // Without it every packet leaves as it would on a wire, none longer than the MTU: for rate, loss and counting
  // packets.
  void set_segmentation_offload(bool on);
  // Without it what a program has the kernel cut into datagrams (UDP_SEGMENT, udp(7)) leaves as it would on a wire. TCP
  // keeps its offload, and its speed.
  void set_datagram_offload(bool on);
  // Without it checksums in captures are those that a wire would show.
  void set_checksum_offload(bool on);

  // The interface's own address with its subnet; usable at once (no duplicate address detection). With the first IPv6
  // address comes the link-local one made of its MAC (RFC 4291 appendix A): neither forwarding nor neighbour discovery
  // works without.
  void add(const Prefix& address);
  void remove(const Prefix& address);
  // Waits, usually no time at all, until the kernel answers for the interface's IPv6 addresses: in the background it
  // joins their solicited-node groups (a neighbour that asks earlier asks again only after a second) and then makes
  // their local routes (a packet that comes earlier is dropped). Throws Failure after 5 s.
  void await_addresses() const;

  // Plugs the interface into a bridge of the same namespace, and out of it.
  void join(const Link& bridge);
  void leave();
  // Isolated ports of a bridge reach its other ports, but not each other. Only once joined.
  void set_isolated(bool isolated);

  LinkState state() const;

  // Deletes the interface; with a veth the other end too.
  void destroy();

 private:
  const NetworkNamespace* in_;
  std::string name_;
  unsigned index_;
};

// A bridge without spanning tree, forwarding delay or multicast snooping: a plain switch. It is up.
Link make_bridge(const NetworkNamespace& in, const std::string& name, const Mac& mac);

}  // namespace crypelab::kernel
