#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/network_namespace.h"
#include "harness/kernel/rule_counters.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// A drawn blueprint's network, alive, without programs: proves with packets what the drawing says.
namespace crypelab::testing {

class DrawnNetwork {
 public:
  // World hosts that are not in `world` stay away.
  DrawnNetwork(const model::Scenario& scenario, const std::vector<std::string>& world);

  const kernel::NetworkNamespace& operator[](const std::string& host) const { return spaces_.at(host); }
  const blueprint::Blueprint& blueprint() const { return blueprint_; }
  // The packets that a named counter has seen.
  std::uint64_t count(const std::string& host, const std::string& counter) const;
  // Does the rule set changes of the step with this number.
  void load_step(std::size_t number) const;

 private:
  void wait_for_routers() const;

  blueprint::Blueprint blueprint_;
  std::map<std::string, kernel::NetworkNamespace> spaces_;
  std::deque<kernel::Cable> cables_;
  mutable std::map<std::string, kernel::RuleCounters> counters_;
};

// A UDP socket inside a host that says where its datagrams came from.
struct Received {
  Endpoint from;
  std::string text;
};
class UdpSocket {
 public:
  UdpSocket(const kernel::NetworkNamespace& in, const Endpoint& local);
  // 0, or the error that the kernel reports, an ICMP error of an earlier datagram included.
  int send(const Endpoint& to, const std::string& text = "hello") const;
  // The next datagram: waits for it at most a second.
  std::optional<Received> receive() const;
  // The next datagram if it is there already: everything between namespaces of one machine happens while it is sent.
  std::optional<Received> look() const;
  std::optional<Received> receive_within(int milliseconds) const;
  // The error that an ICMP message brings to the connected socket, within a second; 0 if none comes.
  int error() const;
  void connect(const Endpoint& to) const;
  int descriptor() const { return socket_.get(); }

 private:
  Descriptor socket_;
};

// TCP, without blocking for more than a second.
Descriptor listen_tcp(const kernel::NetworkNamespace& in, const Endpoint& local);
struct Connected {
  Descriptor socket;
  int error = 0;  // errno of connect(); ETIMEDOUT after `milliseconds`
};
Connected connect_tcp(const kernel::NetworkNamespace& in, const std::optional<Endpoint>& local, const Endpoint& to,
                      int milliseconds = 1000);
struct Accepted {
  Descriptor socket;
  Endpoint from;
};
std::optional<Accepted> accept_tcp(const Descriptor& listener);

Endpoint endpoint(const std::string& text);

}  // namespace crypelab::testing
