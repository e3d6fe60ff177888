#pragma once

#include "harness/gate/flow.h"
#include "harness/gate/policy.h"

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The gate as a state machine: told packets and the time, it says what becomes of them, what resets are to be sent, and
// what is to be logged. Neither clock nor socket. Bounded: flows, bytes of a flow, segments that wait.
namespace crypelab::gate {

struct Arrival {
  std::uint32_t id = 0;
  std::uint32_t policy = 0;  // its number
  Way way = Way::out;
  wire::Bytes packet;  // from the IP header on
};

// How a flow was decided, for the log.
struct Decision {
  std::string policy;
  Endpoint client;
  Endpoint server;
  enum class Verdict { pass, drop, reset, pass_counted, closed } verdict = Verdict::pass;
  std::string reason;
  std::optional<std::string> server_name;
  std::vector<std::string> protocols;
  bool tls13 = false;
  std::size_t bytes = 0;                // that the client had said
  std::vector<std::uint8_t> beginning;  // the first of them, 16 at most, of what was refused
  unsigned segments = 0;
  Time took{0};  // since the SYN
};

struct Outcome {
  std::vector<Ruling> rulings;                    // a packet without one waits
  std::vector<std::vector<std::uint8_t>> resets;  // whole IP packets, to be sent from the border
  std::vector<Decision> decisions;
};

struct Limits {
  std::size_t flows = 8192;                 // beyond that the flow goes that has been silent longest
  std::size_t waiting_segments = 1024;      // of all flows
  Time silence = std::chrono::seconds(60);  // then an undecided flow is forgotten
  Time memory = std::chrono::seconds(5);    // how long a decided one is remembered, for what was already on its way
};

class Gate {
 public:
  explicit Gate(Configuration configuration, Limits limits = {});

  void judge(const Arrival& arrival, Time now, Outcome& outcome);
  // Forgets what has been silent too long; to be called at least once a second while there are flows.
  void expire(Time now, Outcome& outcome);
  std::size_t flows() const { return flows_.size(); }

 private:
  struct Key {
    Endpoint client;
    Endpoint server;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Flow flow;
    const Policy* policy;
    std::list<Key>::iterator place;  // in order_
    bool told = false;
  };
  using Flows = std::map<Key, Entry>;

  Flows::iterator begin_flow(const Key& key, const Policy& policy, std::uint32_t isn, Time now, Outcome& outcome);
  void judge_client(Flows::iterator flow, const Arrival& arrival, const wire::IpPacket& packet, Outcome& outcome);
  void judge_server(Flows::iterator flow, const Arrival& arrival, const wire::IpPacket& packet, Outcome& outcome);
  void judge_stranger(const Key& key, const Policy& policy, const Arrival& arrival, const wire::IpPacket& packet,
                      Outcome& outcome);
  void conclude(Flows::iterator flow, const wire::IpPacket& packet, Way way, Time now, Outcome& outcome);
  void forget(Flows::iterator flow, const char* why, Time now, Outcome& outcome);
  void touch(Flows::iterator flow, Time now);

  Configuration configuration_;
  Limits limits_;
  Flows flows_;
  std::list<Key> order_;  // longest silent first
  std::size_t waiting_ = 0;
};

}  // namespace crypelab::gate
