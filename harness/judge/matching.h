#pragma once

#include "harness/judge/scene.h"

namespace crypelab::judge {

// Whether a firewall's match (protocol, ports, addresses, names of the world, payload) covers what a host sent to
// `flow.far`.
bool covers(const model::Match& match, const Flow& flow);

// What a site's border does to the first packet of a flow out of that site.
struct Ruling {
  const model::EgressRule* rule = nullptr;  // nullptr: the drop at the end of the list
  std::string text;                         // "office egress 2: drop { protocol: udp } (line 12)"
  std::int64_t packets = -1;                // that its counter saw, outbound; -1: nobody counted
  bool allows = false;
};
// The first rule that decides; nullopt for a site without rules.
std::optional<Ruling> ruling_of(const Scene& scene, const std::string& site, const Flow& flow);

}  // namespace crypelab::judge
