#pragma once

#include "clients/reference/time.h"
#include "harness/base/address.h"

#include <cstdint>
#include <vector>

namespace crypelab::client::turn {

// The permissions (RFC 8656 §9) and channels (§12) of one allocation: small tables, searched without allocating.
class Peers {
 public:
  static constexpr Duration permission_life = 300s;
  static constexpr Duration channel_life = 600s;
  static constexpr Duration renewal = 240s;  // both, from the last time that the server granted it
  static constexpr std::size_t most = 256;   // permissions; channels as many

  struct Permission {
    Address peer;
    bool asking = false;
    bool granted = false;  // at least once
    Time expires{};
    Time renew{};
  };
  struct Channel {
    Endpoint peer;
    std::uint16_t number = 0;  // never given to another peer, so that no rebinding can come too early (§12)
    bool asking = false;
    bool bound = false;
    bool refused = false;
    Time expires{};
    Time renew{};
  };

  Permission* permission(const Address& peer);
  const Permission* permission(const Address& peer) const;
  bool permitted(const Address& peer, Time now) const;
  // Nothing when there are `most` already.
  Permission* add_permission(const Address& peer);
  void drop_permission(const Address& peer);

  Channel* channel(const Endpoint& peer);
  const Channel* channel(const Endpoint& peer) const;
  const Channel* channel(std::uint16_t number) const;
  Channel* add_channel(const Endpoint& peer, std::uint16_t number);

  std::vector<Permission>& permissions() { return permissions_; }
  const std::vector<Permission>& permissions() const { return permissions_; }
  std::vector<Channel>& channels() { return channels_; }
  const std::vector<Channel>& channels() const { return channels_; }

 private:
  std::vector<Permission> permissions_;
  std::vector<Channel> channels_;
};

}  // namespace crypelab::client::turn
