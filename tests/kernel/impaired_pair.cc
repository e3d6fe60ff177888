#include "impaired_pair.h"

#include "datagram.h"

#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <poll.h>

namespace crypelab::impair {
namespace {

struct Child {
  Descriptor* ours;
  Descriptor control;
  Descriptor route;
  std::vector<LinkPlan> plans;
};

int run_engine(void* argument) {
  auto& child = *static_cast<Child*>(argument);
  child.ours->close();
  try {
    LinkEngine(std::move(child.control), std::move(child.route), std::move(child.plans)).run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "link engine: %s\n", error.what());
    return 1;
  }
}

}  // namespace

ImpairedPair::ImpairedPair(const Impairment& to_right, const Impairment& to_left)
    : left_cable({left, "eth0", {2, 0, 0, 0, 7, 1}}, {room, "left", {2, 0, 0, 0, 7, 11}}),
      right_cable({right, "eth0", {2, 0, 0, 0, 7, 2}}, {room, "right", {2, 0, 0, 0, 7, 12}}) {
  room.sysctl("net/ipv6/conf/all/disable_ipv6", "1");
  auto [ours, theirs] = control_pair();
  Child child{&ours, std::move(theirs), {}, {}};
  {
    const kernel::InNamespace inside(room);
    child.plans.push_back(LinkPlan{LinkEnd::open("left"), LinkEnd::open("right"), to_right, to_left});
    child.route = open_route_socket();
  }
  engine = kernel::clone_process(0, run_engine, &child);
  control.emplace(std::move(ours));
  left_cable.raise();
  right_cable.raise();
  left_cable.first().add(kernel::prefix("10.7.0.1/24"));
  left_cable.first().add(kernel::prefix("2001:db8:7::1/64"));
  right_cable.first().add(kernel::prefix("10.7.0.2/24"));
  right_cable.first().add(kernel::prefix("2001:db8:7::2/64"));
}

LinkCounters ImpairedPair::settled(Direction direction) {
  for (int i = 0; i < 2000; ++i) {
    const LinkCounters counters = control->read(0, direction);
    if (counters.waiting == 0) return counters;
    ::poll(nullptr, 0, 1);
  }
  return control->read(0, direction);
}

}  // namespace crypelab::impair
