#pragma once

#include "clients/reference/proxy/app.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/resolver.h"
#include "clients/reference/transport/tls_context.h"

#include <memory>
#include <string>
#include <vector>

namespace crypelab::client::proxy {

// Where a URL leads.
struct Destination {
  std::string scheme;  // "wss", "https"
  std::string host;
  std::uint16_t port = 0;
};

struct Choice {
  Servers servers;    // in order; never empty
  std::string fault;  // a PAC file that was not there, or broke: then the choice is to go directly
};

// Where WPAD is looked for by DNS: wpad in each search domain and those above it that have two labels.
std::vector<std::string> wpad_hosts(const std::vector<std::string>& search_domains);

// Which proxies a URL goes through, by one application's settings for one purpose. PAC files are fetched once (and
// again after a failure, 30 s later), and evaluated in a process of their own, which a script that never ends costs its
// life.
class Chooser {
 public:
  Chooser(boost::asio::any_io_executor executor, Settings settings, transport::Resolver& resolver, std::string trust);
  ~Chooser();

  transport::Awaitable<Choice> choose(Destination destination, Time deadline);

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::proxy
