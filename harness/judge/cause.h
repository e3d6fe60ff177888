#pragma once

#include "harness/judge/connection.h"

namespace crypelab::judge {

// What stopped a flow, in one line: the rule with its counter, the proxy's answer, the certificate, the resolver's
// answer, the relay's error, or the time-out and what it waited for. Empty: nothing did.
std::string cause_of_flow(const Scene& scene, const std::string& client, const Flow& flow);

// The ways to be connected that a client had: what became of each. Its signaling is the first one.
std::vector<model::Rung> rungs_of(const Scene& scene, const ClientView& view);

// Why the scenario is not what it should be, in one line.
std::string cause_of(const Scene& scene, const std::vector<model::Verdict>& verdicts,
                     const std::vector<model::ClientResult>& clients);

}  // namespace crypelab::judge
