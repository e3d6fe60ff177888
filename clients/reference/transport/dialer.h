#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/proxy/chooser.h"
#include "clients/reference/proxy/login.h"
#include "clients/reference/random.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/problem.h"
#include "clients/reference/transport/resolver.h"
#include "clients/reference/transport/stream.h"
#include "clients/reference/transport/tls_stream.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace crypelab::client::transport {

using proxy::Purpose;

struct Target {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 0;
  Purpose purpose = Purpose::turn;
  std::optional<TlsWish> tls;
  // What a tunnel will carry, for the ALPN header of CONNECT (RFC 7639 §2.3), when TLS does not say it.
  std::vector<std::string> protocols;
  // Called when the TLS handshake begins, from within the dialing: what comes before it took its own time.
  std::function<void()> greeting;
};

// How long each step took; zero when there was none.
struct DialTimes {
  Duration choice{0};   // of a proxy: PAC, WPAD
  Duration resolve{0};  // of the server's or the proxy's name
  Duration connect{0};  // TCP
  Duration proxy{0};    // TLS to the proxy, its challenges, the tunnel
  Duration tls{0};
};

struct Dialed {
  std::unique_ptr<Stream> stream;
  proxy::Server via;     // Kind::direct when there was no proxy
  std::string protocol;  // that the server chose by ALPN
  DialTimes times;
  // Only when P-09 is to be broken: a field line for the server that has no business there.
  std::string to_leak;
};

struct DialFailure {
  Trouble trouble;
  bool by_proxy = false;  // a proxy refused, or is not there
  unsigned status = 0;    // of the proxy's answer
  bool too_many = false;  // refused, while other connections stand: may succeed after one of them has ended
  DialTimes times;
};

using DialOutcome = std::variant<Dialed, DialFailure>;

// What goes on while dialing: for the events of the contract.
struct ProxyPhase {
  enum class Kind { connect, challenge, tunnel } kind = Kind::connect;
  Purpose purpose = Purpose::turn;
  std::string proxy;   // host:port
  std::string target;  // host:port
  unsigned status = 0;
  std::string scheme;  // in lower case; of the challenge chosen, or of the credentials that were accepted
};

class DialObserver {
 public:
  virtual ~DialObserver() = default;
  virtual void proxy_phase(const ProxyPhase& phase) = 0;
};

// Opens streams to servers: directly, or through the proxy that the settings name for them. Names are asked for only
// when nothing but an address will do: a tunnel is asked for by name (CRYPE P-22, P-23).
class Dialer {
 public:
  struct Settings {
    proxy::Settings proxy;
    proxy::Account account;
    proxy::App app = proxy::App::desktop;
    std::string trust;  // PEM bundle; empty: what OpenSSL trusts by itself
    Misbehaviour misbehaviour;
  };

  Dialer(boost::asio::any_io_executor executor, Settings settings, Resolver& resolver, Random& random,
         DialObserver& observer);
  ~Dialer();

  // Until `deadline` at the latest. To be cancelled by destroying or cancelling the coroutine that waits.
  Awaitable<DialOutcome> dial(Target target, Time deadline);
  // From now on; what stands goes on. Forgets which proxies were dead and which credentials were refused.
  void change_proxy(proxy::Settings settings, proxy::Account account);
  // Where a connection would go first: what decides whether UDP may go beside it. Waits for PAC and WPAD.
  Awaitable<proxy::Server> route(Purpose purpose, std::string host, std::uint16_t port, Time deadline);

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::transport
