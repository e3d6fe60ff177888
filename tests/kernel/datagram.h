#pragma once

#include "harness/base/address.h"
#include "harness/kernel/network_namespace.h"

#include <chrono>
#include <optional>
#include <string>

namespace crypelab::kernel {

// What a test knows for certain.
Address address(const char* text);
Prefix prefix(const char* text);

// A UDP socket of a namespace, to prove with packets what the kernel was told.
class Datagrams {
 public:
  Datagrams(const NetworkNamespace& in, const char* local);  // "10.0.0.1:53"

  int descriptor() const { return socket_.get(); }
  // False if the kernel refused to send it.
  bool send(const char* to, const std::string& text) const;
  // Hands the kernel one long buffer to send as datagrams of `segment` bytes each (UDP_SEGMENT, udp(7)).
  bool send_as_segments(const char* to, const std::string& text, int segment) const;
  // The next datagram, or nothing within `patience`.
  std::optional<std::string> receive(std::chrono::milliseconds patience) const;

 private:
  Descriptor socket_;
};

// Sends again and again until one arrives, for two seconds.
bool reaches(const Datagrams& from, const Datagrams& to, const char* destination);
// Sends for 200 ms and sees nothing arrive. Pair it with something that does.
bool never_reaches(const Datagrams& from, const Datagrams& to, const char* destination);

}  // namespace crypelab::kernel
