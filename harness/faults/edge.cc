#include "harness/faults/edge.h"

#include "harness/base/error.h"

#include <algorithm>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/this_coro.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>

namespace crypelab::faults {

tcp::endpoint to_asio(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) return {asio::ip::address_v4(endpoint.address.v4_host_order()), endpoint.port};
  asio::ip::address_v6::bytes_type bytes;
  std::ranges::copy(endpoint.address.bytes(), bytes.begin());
  return {asio::ip::address_v6(bytes), endpoint.port};
}

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  const std::string_view open = endpoint.address().is_v6() ? "[" : "";
  return fmt::format("{}{}{}:{}", open, address, open.empty() ? "" : "]", endpoint.port());
}

tcp::acceptor listen_on(const asio::any_io_executor& executor, const Endpoint& endpoint) {
  const auto where = to_asio(endpoint);
  error_code error;
  tcp::acceptor acceptor(executor);
  acceptor.open(where.protocol(), error);
  if (!error && where.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(where, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) throw_system_error("cannot listen on " + to_string(endpoint), error.value());
  if (fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC) != 0) throw_errno("fcntl(FD_CLOEXEC)");
  return acceptor;
}

std::string random_secret() {
  std::string secret(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), static_cast<int>(secret.size())) != 1) {
    throw Failure(Exit::software, "the crypto library has no random numbers");
  }
  return secret;
}

Alarm::Alarm(tcp::socket& socket, std::chrono::milliseconds patience)
    : timer_(socket.get_executor(), patience), armed_(std::make_shared<bool>(true)) {
  timer_.async_wait([&socket, armed = armed_](error_code error) {
    if (!error && *armed) socket.close(error);
  });
}

Alarm::~Alarm() { *armed_ = false; }

asio::awaitable<void> pause_until(std::chrono::steady_clock::time_point moment) {
  asio::steady_timer timer(co_await asio::this_coro::executor, moment);
  error_code error;
  co_await timer.async_wait(ending(error));
}

asio::awaitable<void> pause(std::chrono::milliseconds length) {
  return pause_until(std::chrono::steady_clock::now() + length);
}

}  // namespace crypelab::faults
