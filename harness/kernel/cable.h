#pragma once

#include "harness/kernel/link.h"
#include "harness/kernel/saved_addressing.h"

#include <cstdint>
#include <string>

namespace crypelab::kernel {

// One end of a cable before it is laid.
struct CableEnd {
  const NetworkNamespace& in;
  std::string name;  // at most 15 bytes
  Mac mac;
  std::uint32_t mtu = 1500;
  bool segmentation_offload = true;  // see Link::set_segmentation_offload
};

// A veth pair between two namespaces, made by one request, both ends down until raise(): a capture or a rule set may be
// there before the first packet. It owns nothing: it goes with either namespace, or by cut().
class Cable {
 public:
  // Throws Failure.
  Cable(const CableEnd& first, const CableEnd& second);

  Link& first() { return first_; }
  Link& second() { return second_; }
  const Link& first() const { return first_; }
  const Link& second() const { return second_; }

  void raise();
  // Deletes both ends.
  void cut();

 private:
  Link first_;
  Link second_;
};

// Takes the carrier from `near` while it lives: the far end of its cable is down. What `near` has (addresses, routes)
// stays, as when a plug is pulled; veth has no other switch for it (it refuses IFLA_CARRIER). The far end gets its IPv6
// addresses and routes back with the carrier.
class CarrierLoss {
 public:
  // The two ends of one cable. Throws Failure.
  CarrierLoss(const Link& near, const Link& far);
  // Gives the carrier back; the destructor does the same but says nothing of errors (the cable may be gone).
  void end();
  ~CarrierLoss();
  CarrierLoss(const CarrierLoss&) = delete;
  CarrierLoss& operator=(const CarrierLoss&) = delete;

 private:
  Link near_;
  Link far_;
  SavedAddressing addressing_;
  bool ended_ = false;
};

}  // namespace crypelab::kernel
