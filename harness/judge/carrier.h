#pragma once

#include "harness/judge/scene.h"

namespace crypelab::judge {

// A flow of a client that carried data between the peers, or could have.
struct Carrier {
  const Flow* flow = nullptr;
  model::Path path;
  std::uint64_t sent = 0;  // bytes of data
  std::uint64_t received = 0;
  Moment first{0};  // of its data
  Moment last{0};
  bool both_ways() const { return sent > 0 && received > 0; }
};

// Those of one client, from its packets: what kind of path each is, and what went over it. Under TLS to a relay nobody
// sees which bytes are data: there it is what went over it while the peers' data flowed.
std::vector<Carrier> carriers_of(const Scene& scene, const std::string& client);

// The one that its data took at the end; nullptr if none carried data both ways.
const Carrier* path_of(const std::vector<Carrier>& carriers);

// When data arrived at a client, over whatever carrier, in order.
std::vector<Moment> arrivals_of(const std::vector<Carrier>& carriers);

// What kind of path the flow would be if it carried data; nullopt: it leads neither to a relay nor to the peer.
std::optional<model::Path> path_of_flow(const Scene& scene, const std::string& client, const Flow& flow);

}  // namespace crypelab::judge
