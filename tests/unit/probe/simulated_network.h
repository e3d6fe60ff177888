#pragma once

#include "harness/probe/dialogue.h"
#include "harness/probe/reflector.h"

#include <functional>
#include <map>
#include <set>

namespace crypelab::probe {

// A network with a NAT, as it is declared, between a dialogue and a reflector; time is a number that jumps from event
// to event.
class SimulatedNetwork {
 public:
  using Dependence = measure::Dependence;
  std::optional<Dependence> mapping = Dependence::endpoint_independent;  // absent: no NAT
  Dependence filtering = Dependence::address_and_port;
  bool hairpin = false;
  Duration timer = std::chrono::seconds(120);
  Duration up_delay = std::chrono::milliseconds(5);
  Duration down_delay = std::chrono::milliseconds(5);
  std::uint32_t up_mtu = 1500;
  std::uint32_t down_mtu = 1500;
  bool too_big = true;
  std::function<bool(std::uint64_t)> lose_up = [](auto) { return false; };  // given the packet's number, from 1
  std::function<bool(std::uint64_t)> lose_down = [](auto) { return false; };
  std::function<Duration(std::uint64_t)> extra_up = [](auto) { return Duration(0); };
  std::uint64_t up_rate = 0;  // bits per second of IP packets, 0: any
  std::function<std::uint16_t(std::uint16_t)> external_port = [](std::uint16_t local) { return local; };

  // Runs until the dialogue is done or the time is over; false: it was not done.
  bool run(Dialogue& dialogue, Duration limit = std::chrono::seconds(600));

  Reflector reflector{{server(0, 3478), server(0, 3479), server(1, 3478), server(1, 3479)}, 7};
  static Endpoint server(unsigned address, std::uint16_t port) {
    return {Address::v4(0xC633645A + address), port};  // 198.51.100.90
  }
  Time now{0};

 private:
  struct Flow {
    unsigned socket = 0;
    std::uint16_t external = 0;
    std::set<Endpoint> sent_to;
    Time last{0};
  };
  void from_client(Dialogue& dialogue, const Outgoing& outgoing);
  void from_reflector(Dialogue& dialogue, const Outgoing& outgoing);
  bool may_enter(const Flow& flow, const Endpoint& from) const;
  Flow& flow_for(unsigned socket, const Endpoint& to);
  Endpoint local(unsigned socket) const {
    return {Address::v4(0xC0A80102), static_cast<std::uint16_t>(50000 + socket * 7)};
  }
  Address outside() const { return mapping ? Address::v4(0xC6120002) : local(0).address; }
  void at(Time time, std::function<void()> action) { events_.emplace(time, std::move(action)); }
  void flush(Dialogue& dialogue);

  std::multimap<Time, std::function<void()>> events_;
  std::map<std::pair<unsigned, Endpoint>, Flow> flows_;
  std::uint64_t up_count_ = 0;
  std::uint64_t down_count_ = 0;
  Time up_free_{0};
};

}  // namespace crypelab::probe
