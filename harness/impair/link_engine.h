#pragma once

#include "harness/base/descriptor.h"
#include "harness/impair/impaired_queue.h"
#include "harness/impair/lateness.h"
#include "harness/impair/link_end.h"
#include "harness/impair/link_message.h"
#include "harness/impair/port.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace crypelab::impair {

// One impaired link: what comes in at `a` goes out at `b`, and the other way.
struct LinkPlan {
  LinkEnd a;
  LinkEnd b;
  Impairment a_to_b;
  Impairment b_to_a;
};

// Carries the frames of all impaired links of a lab: one thread, one epoll set, one timer. It is made to be the whole
// work of a process of its own, forked by the lab:
//
//   inside the cable namespace:  plans.push_back({LinkEnd::open("l0a"), LinkEnd::open("l0b"), there, back});
//                                Descriptor route = open_route_socket();
//   auto [ours, theirs] = control_pair();
//   fork; in the child:          ours.close();   // or the engine would not see that the lab is gone
//                                LinkEngine(std::move(theirs), std::move(route), std::move(plans)).run();
//   in the parent:               theirs.close(); LinkControl control(std::move(ours));
//                                control.set(0, Direction::a_to_b, impairment);  control.read(0, Direction::b_to_a);
//
// All Ethernet frames pass, of whatever type. A frame's delay counts from the kernel's arrival time stamp, so that it
// does not matter how late the engine woke up to read it. Ends may go down and up while it runs; frames for an end that
// is down are counted as interface_down, and carrying goes on when it is back. An end whose interface is deleted stays
// silent for good.
class LinkEngine {
 public:
  // `route`: open_route_socket() in the cable namespace, where all ends lie. `spin`: how long before a packet's moment
  // the engine stops sleeping and watches the clock; costs that much processor time for each wake-up and saves the
  // scheduler's delay. Throws Failure{Exit::usage} when an impairment cannot be.
  LinkEngine(Descriptor control, Descriptor route, std::vector<LinkPlan> plans,
             Time spin = std::chrono::microseconds(100));

  // Carries frames until the other end of `control` is closed. Lowers the timer slack of the calling thread and asks
  // for early scheduling where it may.
  void run();

 private:
  struct Line {  // one direction
    std::size_t from = 0;
    std::size_t to = 0;
    ImpairedQueue queue;
    Lateness lateness;
    Time clock{};  // the latest time that the queue was told
    std::uint64_t unsegmented = 0;
  };
  struct Change {
    Time at{};
    std::size_t line = 0;
    Impairment impairment;
  };

  void receive(std::size_t port);
  void carry(Line& line, Arrival& arrival);
  void apply_changes(Time now);
  void send_due(Line& line);
  Time next_wake() const;
  void arm(Time wake);
  void answer();
  LinkReply reply_to(const LinkRequest& request);
  LinkCounters counters(Line& line);

  Descriptor control_;
  Descriptor route_;
  Descriptor epoll_;
  Descriptor timer_;
  Time armed_ = kNever;
  Time spin_;
  std::vector<Port> ports_;      // link N: 2N and 2N+1
  std::deque<Line> lines_;       // line P carries what port P receives
  std::vector<Change> changes_;  // earliest first
  ReceiveBatch batch_;
  std::vector<Arrival> arrivals_;
  std::vector<Frame> pieces_;
  std::vector<Frame> due_;
  std::vector<std::uint8_t> request_;
  bool finished_ = false;
};

}  // namespace crypelab::impair
