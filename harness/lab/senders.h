#pragma once

#include "harness/kernel/packet_log.h"
#include "harness/kernel/socket_owner.h"
#include "harness/lab/lab.h"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <tuple>

namespace crypelab::lab {

// Who on a host sends what, while it lives: for each conversation that a program begins, the user and the program, as
// the kernel knew them at that moment. Bounded, whatever the host does.
class Senders {
 public:
  static constexpr std::size_t most_conversations = 1'000;

  // `tell` is given the events lab, host, "sender" {protocol, from, to, uid, program}. Throws Failure{unavailable}
  // where the kernel cannot tell.
  Senders(Lab& lab, std::string host, std::function<void(model::Event)> tell);
  ~Senders();
  Senders(const Senders&) = delete;
  Senders& operator=(const Senders&) = delete;

 private:
  void note(const kernel::LoggedPacket& logged);

  Lab& lab_;
  std::string host_;
  std::function<void(model::Event)> tell_;
  kernel::PacketLog log_;
  kernel::SocketOwners owners_;
  std::set<std::tuple<bool, Endpoint, Endpoint>> known_;
};

}  // namespace crypelab::lab
