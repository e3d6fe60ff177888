#pragma once

#include "harness/judge/carrier.h"

namespace crypelab::judge {

// How far one client got.
struct ClientView {
  std::string name;
  std::string site;  // its first one
  std::vector<Carrier> carriers;
  const Carrier* path = nullptr;            // among `carriers`
  const model::Event* connected = nullptr;  // what it said
  const model::Event* untrue = nullptr;     // that it was connected, with a word that is not the other's: the first one
  bool quotes_peer = false;                 // and it held the word that only the other client was given
};

// Whether the two that call each other were connected: each has said the other's word, and the packets of each show
// data of both directions on one path. Where packets are not whole, words alone decide that they were.
struct Connection {
  std::vector<ClientView> views;  // of the clients that call each other
  bool connected = false;
  bool data_seen = false;  // both ways, at both
  std::optional<Moment> at;
  const ClientView* view(const std::string& client) const;
};
Connection connection_of(const Scene& scene);

}  // namespace crypelab::judge
