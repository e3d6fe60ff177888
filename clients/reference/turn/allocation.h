#pragma once

#include "clients/reference/turn/peers.h"
#include "clients/reference/turn/refusal.h"
#include "clients/reference/turn/server_record.h"
#include "harness/wire/turn_frame.h"

#include <deque>

namespace crypelab::client::turn {

// What a peer sent through the relay. The payload lies in the bytes that were given to `receive`.
struct PeerData {
  Endpoint peer;
  wire::Bytes payload;
};

struct Event {
  enum class Kind {
    allocated,           // `Allocation::relayed` and `mapped` hold
    refused,             // no allocation: `refusal`; the object is done
    lost,                // the allocation is gone: `refusal`; the object is done
    permitted,           // `peer`'s address may be sent to
    permission_refused,  // or not: `refusal`
    channel_bound,       // data for `peer` now travels with 4 bytes of overhead
    channel_refused,     // and stays with Send indications
    closed,              // deleted: the 5-tuple may go
  };
  Kind kind = Kind::allocated;
  Endpoint peer;  // for permissions the port is 0
  Refusal refusal;
};

// One TURN allocation over one 5-tuple (RFC 8656). Made when the connection to the server stands: it asks at once. Over
// TCP and TLS the owner cuts the stream with wire::TurnStream and hands over message by message.
//
// Sending and receiving data allocates no memory.
class Allocation {
 public:
  struct Settings {
    stun::Timing timing;  // `reliable` for TCP and TLS: ChannelData is then padded (§12.5)
    AddressFamilies families = AddressFamilies::v4;
    std::optional<Duration> lifetime;  // to ask for; absent leaves it to the server
    bool channels = true;              // or `bind` asks for the permission alone
    std::string software;
    Misbehaviour misbehaviour;
  };
  Allocation(Settings settings, stun::LongTerm account, Random& random, stun::Output& out, Time now);

  // One whole message that came from the server. Gives what a permitted peer sent; everything else is dealt with
  // inside.
  std::optional<PeerData> receive(wire::Bytes message, Time now);
  void wake(Time now);
  std::optional<Time> next() const;
  std::optional<Event> poll();
  // The connection failed, was reset or closed by the other side.
  void transport_lost(Time now);

  bool active() const { return state_ == State::active; }
  // No message will be sent any more.
  bool done() const { return state_ == State::done; }
  const std::optional<Endpoint>& relayed(Family family) const {
    return family == Family::v4 ? relayed_v4_ : relayed_v6_;
  }
  // How the server sees this client: its server-reflexive address if the transport is UDP.
  const std::optional<Endpoint>& mapped() const { return mapped_; }
  Duration lifetime() const { return lifetime_; }

  // Asks for a permission for this address and renews it until `forget`; an event tells how it went, at once if it is
  // there already.
  void permit(const Address& peer, Time now);
  void forget(const Address& peer);
  // Asks for a channel, which brings the permission with it.
  void bind(const Endpoint& peer, Time now);
  bool permitted(const Address& peer, Time now) const { return peers_.permitted(peer, now); }

  // The message that carries `payload` to `peer`, in `out`: ChannelData where a channel is bound, a Send indication
  // otherwise. Empty without permission, without allocation, or when `out` is too small (payload + 64 always does).
  wire::Bytes encapsulate(std::span<std::uint8_t> out, const Endpoint& peer, wire::Bytes payload, Time now);
  // The channel for `peer` if one is bound, for senders that gather header and payload themselves.
  std::optional<std::uint16_t> channel(const Endpoint& peer, Time now) const;

  // Deletes the allocation (§8): `closed` follows, after 39.5 s at most. Flush what was sent before the socket goes.
  void close(Time now);

 private:
  enum class State { asking, active, closing, done };
  struct Purpose {
    enum class Kind { allocate, refresh, remove, permission, channel } kind = Kind::allocate;
    Endpoint peer;
  };

  void start(Purpose purpose, wire::StunMethod method, stun::Requester::Fill fill, Time now);
  void complete(const stun::Completion& completion, Time now);
  void allocate_completed(const stun::Completion& completion, Time now);
  void refresh_completed(const stun::Completion& completion, Time now);
  void remove_completed(const stun::Completion& completion, Time now);
  void permission_completed(const Address& peer, const stun::Completion& completion, Time now);
  void channel_completed(const Endpoint& peer, const stun::Completion& completion, Time now);
  void ask_permission(Peers::Permission& permission, Time now);
  void ask_channel(Peers::Channel& channel, Time now);
  void renew(Time now);
  void granted(Duration lifetime, Time now);
  void lose(Refusal refusal);
  void remove(Time now);
  std::optional<PeerData> from_channel(wire::Bytes message, Time now) const;
  std::optional<PeerData> from_indication(const wire::StunMessage& message, Time now) const;

  Settings settings_;
  Random& random_;
  stun::Requester requester_;
  State state_ = State::asking;
  bool close_wanted_ = false;
  std::map<stun::RequestId, Purpose> purposes_;
  Peers peers_;
  std::uint16_t next_channel_ = wire::first_channel;
  std::optional<Endpoint> relayed_v4_;
  std::optional<Endpoint> relayed_v6_;
  std::optional<Endpoint> mapped_;
  Duration lifetime_{0};
  Time expires_{};
  Time refresh_at_{};
  bool refreshing_ = false;
  unsigned remove_tries_ = 0;
  std::deque<Event> events_;
};

}  // namespace crypelab::client::turn
