#pragma once

#include "harness/base/address.h"

#include <chrono>
#include <exception>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

// What our servers share where they touch sockets.
namespace crypelab::faults {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMostConnections = 1024;  // at once, of a server; further ones are closed at once

tcp::endpoint to_asio(const Endpoint& endpoint);
std::string to_text(const tcp::endpoint& endpoint);  // "10.0.0.1:53", "[2001:db8::1]:53"

// Throws Failure{os} with the endpoint.
tcp::acceptor listen_on(const asio::any_io_executor& executor, const Endpoint& endpoint);

// Counts from the start of the program.
class Stopwatch {
 public:
  std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_);
  }
  std::chrono::steady_clock::time_point moment(std::chrono::milliseconds since_start) const {
    return start_ + since_start;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Closes a socket when its time is up. The socket must outlive it.
class Alarm {
 public:
  Alarm(tcp::socket& socket, std::chrono::milliseconds patience);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  asio::steady_timer timer_;
  std::shared_ptr<bool> armed_;  // an expiry that is already queued may come after the socket has gone
};

// 32 bytes that nobody can guess. Throws Failure{software}.
std::string random_secret();

// How a coroutine that nobody waits for ends. What it has thrown reaches whoever runs the io_context: a server of the
// lab that broke is gone, and the lab says so.
inline void rethrow(const std::exception_ptr& broken) {
  if (broken) std::rethrow_exception(broken);
}

inline auto ending(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

asio::awaitable<void> pause_until(std::chrono::steady_clock::time_point moment);
asio::awaitable<void> pause(std::chrono::milliseconds length);

}  // namespace crypelab::faults
