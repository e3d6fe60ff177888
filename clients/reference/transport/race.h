#pragma once

#include "clients/reference/time.h"
#include "clients/reference/transport/stream.h"

#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace crypelab::client::transport {

template <class T>
using Attempts = std::vector<std::function<Awaitable<std::optional<T>>()>>;

// Several ways to the same thing, side by side: each begins `head_start` after the one before, or as soon as all that
// have begun came to nothing. The first value wins; nothing when all came to nothing, or at `deadline`. The others are
// cancelled and not waited for: what they use must be theirs. An attempt that throws came to nothing.
template <class T>
Awaitable<std::optional<T>> race(boost::asio::any_io_executor executor, Attempts<T> attempts, Duration head_start,
                                 Time deadline) {
  struct State {
    explicit State(const boost::asio::any_io_executor& on) : changed(on) {}
    boost::asio::steady_timer changed;
    Attempts<T> attempts;
    std::list<boost::asio::cancellation_signal> signals;
    std::optional<T> won;
    std::size_t running = 0;
    bool over = false;
  };
  struct End {
    std::shared_ptr<State> state;
    ~End() {
      state->over = true;
      for (auto& signal : state->signals) signal.emit(boost::asio::cancellation_type::terminal);
    }
  };
  const auto state = std::make_shared<State>(executor);
  state->attempts = std::move(attempts);
  const End end{state};
  std::size_t begun = 0;
  Time next{};
  while (!state->won) {
    const Time now = std::chrono::steady_clock::now();
    const bool more = begun < state->attempts.size();
    if (now >= deadline || (!more && state->running == 0)) break;
    if (more && (state->running == 0 || now >= next)) {
      auto& signal = state->signals.emplace_back();
      ++state->running;
      boost::asio::co_spawn(executor, state->attempts[begun](),
                            boost::asio::bind_cancellation_slot(
                                signal.slot(), [state](std::exception_ptr failed, std::optional<T> value) {
                                  --state->running;
                                  if (!failed && value && !state->won && !state->over) state->won = std::move(value);
                                  state->changed.cancel();
                                }));
      ++begun;
      next = now + head_start;
      continue;
    }
    state->changed.expires_at(more ? std::min(next, deadline) : deadline);
    co_await state->changed.async_wait(use);
  }
  co_return std::move(state->won);
}

// One attempt with a deadline.
template <class T>
Awaitable<std::optional<T>> within(boost::asio::any_io_executor executor, Time deadline,
                                   std::function<Awaitable<std::optional<T>>()> attempt) {
  Attempts<T> attempts;
  attempts.push_back(std::move(attempt));
  co_return co_await race<T>(executor, std::move(attempts), Duration(0), deadline);
}

}  // namespace crypelab::client::transport
