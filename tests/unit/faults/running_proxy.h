#pragma once

#include "harness/faults/proxy_server.h"

#include <chrono>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace crypelab::faults {

using boost::asio::ip::tcp;
using Patience = std::chrono::milliseconds;

// A fault proxy on the loopback, with an echo server behind it.
class RunningProxy {
 public:
  explicit RunningProxy(ProxySettings settings);
  ~RunningProxy();
  RunningProxy(const RunningProxy&) = delete;
  RunningProxy& operator=(const RunningProxy&) = delete;

  std::string target() const;  // of the echo server
  std::uint16_t port() const { return port_; }
  // Waits until the journal holds `text`; gives all of it.
  std::string journal(const std::string& text, Patience patience = Patience(5000));

 private:
  void echo();

  boost::asio::io_context io_;
  tcp::acceptor echo_;
  int reading_ = -1;
  std::string journal_;
  std::unique_ptr<ProxyServer> server_;
  std::uint16_t port_ = 0;
  std::thread serving_;
  std::thread echoing_;
};

// What a read brought: bytes, or how it ended.
struct Got {
  enum class End { open, closed, reset } end = End::open;
  std::string bytes;
};

class Caller {
 public:
  explicit Caller(const RunningProxy& proxy);
  void send(const std::string& bytes);
  // Reads until `wanted` bytes are there, the connection ends, or the patience does.
  Got receive(std::size_t wanted, Patience patience = Patience(5000));
  // CONNECT; the head of the answer.
  std::string connect(const std::string& target);
  unsigned segments_in();  // TCP segments with data that have arrived

 private:
  boost::asio::io_context io_;
  tcp::socket socket_;
};

}  // namespace crypelab::faults
