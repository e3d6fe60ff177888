#pragma once

#include "clients/reference/time.h"
#include "clients/reference/transport/resolver.h"
#include "harness/wire/dns.h"

#include <array>
#include <list>
#include <map>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace crypelab::client::transport {

// A DNS server on the test's own event loop: answers after `delay`, that `names` are at 127.0.0.1 and that others do
// not exist; without a delay never.
class NameServer {
 public:
  NameServer(boost::asio::io_context& io, std::vector<std::string> names, std::optional<Duration> delay);
  ~NameServer();
  // Of a machine that has no other source of names.
  Resolver::Settings settings() const;
  // What was asked for, in order.
  const std::vector<wire::DnsType>& asked() const { return asked_; }

 private:
  void receive();
  void answer(std::size_t size);

  boost::asio::io_context& io_;
  std::vector<std::string> names_;
  std::optional<Duration> delay_;
  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::array<std::uint8_t, 512> datagram_{};
  std::list<boost::asio::steady_timer> pending_;
  std::vector<wire::DnsType> asked_;
  std::string file_;
};

}  // namespace crypelab::client::transport
