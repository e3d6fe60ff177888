#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/stream.h"

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

namespace crypelab::client::transport {

struct Resolved {
  std::vector<Address> addresses;  // each once, in the order of the answers
  std::string fault;               // why there are none
};

// Names to addresses, without a thread: the hosts file, then the servers of resolv.conf, A and AAAA asked together
// (RFC 8305 §3). Both files are read for each name.
class Resolver {
 public:
  struct Settings {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = "/etc/hosts";
    std::uint16_t port = 53;  // of the servers
    Misbehaviour misbehaviour;
  };
  explicit Resolver(boost::asio::any_io_executor executor) : Resolver(std::move(executor), Settings()) {}
  Resolver(boost::asio::any_io_executor executor, Settings settings);
  ~Resolver();

  // An address is its own answer. On a machine without IPv4, addresses of IPv4 come translated if the network has a
  // NAT64 (RFC 7050, RFC 8445 §5.1.1.2). When one family has answered the other is waited for 50 ms (RFC 8305 §3), if
  // it is AAAA that is missing; A is waited for as long.
  Awaitable<Resolved> resolve(std::string host, Time deadline);
  // The domains that this machine searches: for WPAD.
  std::vector<std::string> search_domains() const;

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::transport
