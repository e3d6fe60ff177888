#pragma once

#include "clients/reference/time.h"
#include "harness/wire/stun.h"
#include "harness/wire/turn_frame.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace crypelab::client {

struct Datagram {
  Endpoint from;
  Endpoint to;
  std::vector<std::uint8_t> bytes;
};

// A TURN server (RFC 8656) as a pure function of what it is handed: enough to hold the client to the clauses, and able
// to be wrong on request. Strict about permissions, channels, lifetimes, nonces and integrity.
class TurnServerModel {
 public:
  struct Settings {
    Endpoint listen = *parse_endpoint("198.51.100.1:3478");
    Address relay_v4 = *parse_address("198.51.100.1");
    std::optional<Address> relay_v6;
    std::string user = "alice";
    std::string password = "wonderland";
    std::string realm = "crype.test";
    std::vector<wire::PasswordAlgorithm> algorithms;  // empty: the old mechanism
    bool anonymous = false;
    Duration lifetime = 600s;
    Duration nonce_life = 24h;
    bool reliable = false;
  };
  struct Allocation {
    Endpoint relayed;
    std::optional<Endpoint> relayed_v6;
    Time expires;
    std::map<Address, Time> permissions;
    std::map<std::uint16_t, std::pair<Endpoint, Time>> channels;
  };

  explicit TurnServerModel(Settings chosen) : settings(std::move(chosen)) {}

  // What the server sends for a datagram that reached its listening or a relayed address.
  std::vector<Datagram> receive(const Datagram& in, Time now);
  bool owns(const Endpoint& to) const { return to == settings.listen || relays_.contains(to); }

  Settings settings;
  std::map<Endpoint, Allocation> allocations;  // by client
  std::vector<std::string> log;  // "Allocate 401" for every request, "Send", "ChannelData", faults in capitals
  std::size_t unpermitted = 0;   // data that the client sent without permission
  // An error to answer a request with, before anything else of the method is looked at; 0: none.
  std::function<unsigned(const wire::StunMessage&, bool is_signed)> refuse;
  // A last change to a message before integrity is computed.
  std::function<void(wire::StunWriter&)> decorate;
  bool corrupt_integrity = false;
  bool omit_algorithms = false;

 private:
  using Reply = std::function<void(wire::StunWriter&)>;
  std::vector<Datagram> answer(const Datagram& in, const wire::StunMessage& m, wire::StunClass c, bool is_signed,
                               Reply fill);
  std::vector<Datagram> refuse_with(const Datagram& in, const wire::StunMessage& m, unsigned code, bool is_signed);
  std::vector<Datagram> request(const Datagram& in, const wire::StunMessage& m, Time now);
  std::vector<Datagram> serve(const Datagram& in, const wire::StunMessage& m, Time now);
  std::vector<Datagram> from_peer(const Datagram& in, Time now);
  unsigned authenticate(const wire::StunMessage& m, Time now);
  std::vector<Datagram> relay(Allocation& allocation, const Endpoint& peer, wire::Bytes payload, Time now);
  std::string nonce(Time now);
  wire::HashValue key() const;

  std::map<Endpoint, Endpoint> relays_;  // relayed address to client
  std::uint16_t next_port_ = 50000;
  Time nonce_made_{};
  unsigned nonce_number_ = 0;
};

}  // namespace crypelab::client
