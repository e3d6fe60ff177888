#pragma once

#include "clients/reference/proxy/login.h"
#include "clients/reference/random.h"
#include "clients/reference/transport/dialer.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/steady_timer.hpp>

namespace crypelab::client::transport {

// What all dials through one proxy share.
struct ProxyState {
  explicit ProxyState(const boost::asio::any_io_executor& executor) : changed(executor) {}
  proxy::Login login;
  bool settled = false;       // somebody knows how this proxy wants to be asked
  std::size_t asking = 0;     // dials that find that out
  std::size_t signaling = 0;  // dials for signaling under way
  std::size_t tunnels = 0;    // that stand
  Time dead_until{};          // it could not be reached: others first
  boost::asio::steady_timer changed;
};

inline Duration elapsed(Time begun) {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
}

// How far a dial has come, for what to say when its time is over.
enum class Stage { choosing, resolving, connecting, tunneling, greeting };
struct Progress {
  Stage stage = Stage::choosing;
  proxy::Server via;
  DialTimes times;
};

struct TunnelWish {
  proxy::Server through;
  std::string host;
  std::uint16_t port = 0;
  std::vector<std::string> protocols;  // for the ALPN field
  Purpose purpose = Purpose::turn;
  Time reach_by{};  // the proxy itself; it may take until `deadline` for the rest
  Time deadline{};
};

struct TunnelFault {
  Trouble trouble;
  bool unreachable = false;  // no connection to the proxy: another one may do
  unsigned status = 0;
};

// A tunnel through one proxy: HTTP CONNECT with authentication, over TLS to an https proxy, or SOCKS5. All that it is
// given outlives it or is held by it.
struct TunnelMeans {
  Resolver& resolver;
  Random& random;
  DialObserver& observer;
  SSL_CTX& tls;
  Misbehaviour misbehaviour;
};
Awaitable<std::variant<std::unique_ptr<Stream>, TunnelFault>> open_tunnel(TunnelMeans means, TunnelWish wish,
                                                                          std::shared_ptr<const proxy::Account> account,
                                                                          std::shared_ptr<ProxyState> state,
                                                                          std::shared_ptr<Progress> progress);

}  // namespace crypelab::client::transport
