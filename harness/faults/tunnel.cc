#include "harness/faults/tunnel.h"

#include <array>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <sys/socket.h>

namespace crypelab::faults {
namespace {

constexpr std::size_t kChunk = 16'384;
constexpr std::size_t kLargestBatch = 262'144;

void reset(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

// One tunnel; it lives in the frame of `relay`, which ends only after its directions have.
class Tunnel {
 public:
  Tunnel(tcp::socket& client, tcp::socket& upstream, Pace pace, CutBy by, TunnelFate fate, const Stopwatch& clock)
      : client_(client),
        upstream_(upstream),
        pace_(pace),
        by_(by),
        fate_(fate),
        clock_(clock),
        watch_(client.get_executor()),
        done_(client.get_executor()) {
    done_.expires_at(asio::steady_timer::time_point::max());
  }

  asio::awaitable<TunnelEnd> run(std::string early) {
    const auto executor = co_await asio::this_coro::executor;
    const auto ended = [this](const std::exception_ptr& broken) {
      if (--running_ == 0) done_.cancel();
      rethrow(broken);
    };
    running_ = 3;
    asio::co_spawn(executor, pass(client_, upstream_, end_.received, "client", std::move(early)), ended);
    asio::co_spawn(executor, pass(upstream_, client_, end_.sent, "upstream", {}), ended);
    asio::co_spawn(executor, watch(), ended);
    error_code error;
    while (running_ > 0) co_await done_.async_wait(ending(error));
    co_return end_;
  }

 private:
  asio::awaitable<void> pass(tcp::socket& from, tcp::socket& to, std::uint64_t& counter, std::string_view who,
                             std::string gathered) {
    error_code error;
    std::vector<char> chunk(kChunk);
    if (!gathered.empty()) {
      count(counter, gathered.size());
      co_await send(to, gathered, error);
      gathered.clear();
    }
    while (!error) {
      const auto n = co_await from.async_read_some(asio::buffer(chunk), ending(error));
      if (error) break;
      count(counter, n);
      if (silent_) continue;
      gathered.assign(chunk.data(), n);
      if (pace_.batch.count() > 0) co_await gather(from, gathered, counter, error);
      error_code failed;
      co_await send(to, gathered, failed);
      if (failed) error = failed;
    }
    if (end_.reason.empty()) end_.reason = error == asio::error::eof ? who : "error";
    error_code ignored;
    if (error == asio::error::eof && !silent_) {
      to.shutdown(tcp::socket::shutdown_send, ignored);
    } else if (!silent_ || &from == &client_) {
      client_.close(ignored);
      upstream_.close(ignored);
    }
    if (++ended_directions_ == 2) watch_.cancel();
  }

  // Whatever comes until the next multiple of the batch time.
  asio::awaitable<void> gather(tcp::socket& from, std::string& gathered, std::uint64_t& counter, error_code& error) {
    const auto now = clock_.elapsed();
    co_await pause_until(clock_.moment(now - now % pace_.batch + pace_.batch));
    std::size_t there = from.is_open() ? from.available(error) : 0;
    while (!error && there > 0 && gathered.size() < kLargestBatch) {
      const auto old = gathered.size();
      gathered.resize(old + there);
      const auto n = from.read_some(asio::buffer(gathered.data() + old, there), error);
      gathered.resize(old + n);
      count(counter, n);
      there = error ? 0 : from.available(error);
    }
  }

  // MSG_EOR keeps the kernel from joining segments that wait for the window.
  asio::awaitable<void> send(tcp::socket& to, std::string_view bytes, error_code& error) {
    while (!error && !bytes.empty()) {
      const auto piece = pace_.segment == 0 ? bytes : bytes.substr(0, pace_.segment);
      const int flags = pace_.segment == 0 ? 0 : MSG_EOR;
      const auto n = co_await to.async_send(asio::buffer(piece), flags, ending(error));
      bytes.remove_prefix(n);
    }
  }

  void count(std::uint64_t& counter, std::size_t n) {
    counter += n;
    fate_.moved(n, clock_.elapsed());
    if (!fate_.due(clock_.elapsed()).empty()) watch_.cancel();
  }

  asio::awaitable<void> watch() {
    while (ended_directions_ < 2) {
      const auto reason = fate_.due(clock_.elapsed());
      if (!reason.empty()) {
        cut(reason);
        co_return;
      }
      const auto next = fate_.next();
      watch_.expires_at(next ? clock_.moment(*next) : asio::steady_timer::time_point::max());
      error_code error;
      co_await watch_.async_wait(ending(error));
    }
  }

  void cut(std::string_view reason) {
    end_.reason = reason;
    if (by_ == CutBy::silence) {
      silent_ = true;
      return;
    }
    error_code ignored;
    for (auto* socket : {&client_, &upstream_}) {
      if (by_ == CutBy::reset) {
        reset(*socket);
      } else {
        socket->shutdown(tcp::socket::shutdown_both, ignored);
        socket->close(ignored);
      }
    }
  }

  tcp::socket& client_;
  tcp::socket& upstream_;
  Pace pace_;
  CutBy by_;
  TunnelFate fate_;
  const Stopwatch& clock_;
  asio::steady_timer watch_;
  asio::steady_timer done_;
  TunnelEnd end_;
  int running_ = 0;
  int ended_directions_ = 0;
  bool silent_ = false;
};

}  // namespace

asio::awaitable<TunnelEnd> relay(tcp::socket& client, tcp::socket& upstream, std::string early, Pace pace, CutBy by,
                                 TunnelFate fate, const Stopwatch& clock) {
  Tunnel tunnel(client, upstream, pace, by, fate, clock);
  co_return co_await tunnel.run(std::move(early));
}

}  // namespace crypelab::faults
