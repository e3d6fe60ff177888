#pragma once

#include "clients/reference/random.h"
#include "clients/reference/transport/dialer.h"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace crypelab::client::transport {

// What a client's process has, for one test: an event loop, a resolver that knows nothing but what it is told, and the
// proxy's phases as they were reported.
class Edge : public DialObserver {
 public:
  Edge();
  void proxy_phase(const ProxyPhase& phase) override { phases.push_back(phase); }

  // Runs the loop until it is done; throws what it throws.
  template <class T>
  T wait(Awaitable<T> what);
  DialOutcome dial(Dialer::Settings settings, Target target, Duration time = 5s);
  // Sends it and reads as much again.
  std::string echoed(Stream& stream, const std::string& text);

  std::string phase_text() const;  // "connect challenge:407:digest tunnel:200:digest"

  boost::asio::io_context io;
  Resolver resolver;
  SecureRandom random;
  std::vector<ProxyPhase> phases;
};

// "PROXY_AUTH_FAILED", or "open".
std::string result_of(const DialOutcome& outcome);
const DialFailure& failure_of(const DialOutcome& outcome);

}  // namespace crypelab::client::transport

#include <exception>

#include <boost/asio/co_spawn.hpp>

namespace crypelab::client::transport {

template <class T>
T Edge::wait(Awaitable<T> what) {
  std::optional<T> result;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(what), [&](std::exception_ptr failed, T value) {
    thrown = failed;
    result = std::move(value);
  });
  io.restart();
  while (!result && !thrown && io.run_one() != 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

}  // namespace crypelab::client::transport
