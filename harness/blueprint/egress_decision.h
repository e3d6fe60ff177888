#pragma once

#include "harness/base/measure.h"
#include "harness/model/network.h"

#include <string>
#include <vector>

// What the ordered egress rules of a site do with a packet, and what whoever sends it sees of that. Pure.
namespace crypelab::blueprint {

struct EgressDecision {
  const model::EgressRule* rule = nullptr;  // none: there are no rules (index 0, passes) or none matched
  std::size_t index = 0;                    // from 1; 0: no rule matched
  bool passes = true;
  bool held = false;  // by a captive portal
  bool known = true;  // false: it depends on what the site's resolver has answered before, or another one answers
};

// `name` is the one that stands for the address of `to` in rules by domain.
EgressDecision decide(const model::Site& site, measure::Transport transport, const Endpoint& to,
                      const std::string& name);

// Whether a pattern of the language covers a name: "x" is x alone, "*.x" is all below x.
bool covers(const std::string& pattern, const std::string& name);

// What becomes of the question.
measure::Outcome outcome(const EgressDecision& decision, const measure::Reach& ask);

}  // namespace crypelab::blueprint
