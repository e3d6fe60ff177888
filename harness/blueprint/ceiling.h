#pragma once

#include "harness/base/measure.h"
#include "harness/model/scenario.h"

#include <string>
#include <vector>

// What the harness itself carries where the clients of a scenario measure their throughput: without it nobody can tell
// a slow client from a slow lab. Pure.
//
// The path between two sites does not exist without a relay where a NAT or a rule forbids it, so each direction is
// measured as two legs at the same time, from the site of the one to the reflector, which stands in the internet beside
// the relays, and from the reflector to the site of the other: over the same cables, borders, NATs and rules, the
// ceiling being the smaller of the two. A leg is UDP of packets as large as a data channel's where the rules let UDP
// out, a TCP connection where only that gets out, and starts at the site's proxy where only that one gets out.
namespace crypelab::blueprint {

struct CeilingLeg {
  model::Flow direction = model::Flow::send;  // send or receive, as the caller sees it
  std::string client;                         // whose leg it is
  std::string site;
  std::string host;            // that measures: the client's own, or the site's proxy
  measure::Question question;  // its `ask` is a measure::Rate
};

struct CeilingPlan {
  std::vector<CeilingLeg> legs;  // in the order in which they are asked, those of a direction together
  std::string why;               // there are none, though throughput is measured
};

// No legs and no reason for a scenario that does not measure throughput.
CeilingPlan plan_ceilings(const model::Scenario& scenario);

}  // namespace crypelab::blueprint
