#pragma once

#include "clients/reference/signaling/message.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/dialer.h"
#include "clients/reference/transport/ice_server.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::signaling {

// The way to the peer's signaling: a WebSocket, or HTTPS polling where none gets through, opened again whenever it
// breaks; nothing is lost or repeated on the way. One thread.
class Link {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // From the peer, in its order; without `from` the server's refusal of something.
    virtual void signaled(const Message& message) = 0;
    // It works, for the first time or again; `via` is "wss" or "https".
    virtual void link_open(std::string_view via, bool again) = 0;
    virtual void link_lost(std::string_view via) = 0;
    // It does not work (yet): it is tried again.
    virtual void link_trouble(const transport::Trouble& trouble) = 0;
  };
  struct Settings {
    std::string url;       // wss:
    std::string fallback;  // https:; empty: none
    std::string token;
    Duration ping = 20s;      // after so much silence of ours: below the shortest idle limit of proxies (G-03)
    Duration patience = 10s;  // for the answer to a ping
    Duration upgrade = 4s;    // for the answer to the opening of a WebSocket: then HTTPS is tried
    Duration connect = 10s;
    Misbehaviour misbehaviour;
  };

  // Throws Failure{usage} for URLs that are none.
  Link(boost::asio::any_io_executor executor, Settings settings, transport::Dialer& dialer, Listener& listener);
  // Nothing is told any more.
  ~Link();

  void start();
  // False when more waits to be sent than a room can hold.
  bool post(Message message);
  bool is_open() const;
  // How the connection that opened first was made.
  const std::optional<transport::DialTimes>& times() const;
  // Drops the connection and opens another: the machine's network has changed.
  void reconnect();

  // Fresh credentials (GET /v1/ice-servers); nothing when that cannot be had by `deadline`.
  transport::Awaitable<std::optional<std::vector<transport::IceServer>>> ice_servers(Time deadline);
  // Waits until the server has all that was posted, and says goodbye.
  transport::Awaitable<void> close(Time deadline);

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

// The list of RTCIceServer that the server gives.
Result<std::vector<transport::IceServer>> parse_ice_servers(std::string_view text);

}  // namespace crypelab::client::signaling
