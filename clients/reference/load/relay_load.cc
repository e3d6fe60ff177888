#include "clients/reference/load/relay_load.h"

#include "clients/reference/call/setup.h"
#include "clients/reference/measure/arrivals.h"
#include "clients/reference/measure/test_message.h"
#include "clients/reference/transport/turn_rung.h"
#include "harness/base/error.h"

#include <algorithm>
#include <deque>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

namespace crypelab::client::load {

namespace asio = boost::asio;
using measure::TestHeader;
using transport::Awaitable;
using transport::RungReport;
using transport::TurnRung;

namespace {

// Messages under way, all sessions and both ways together: what fits into the usual receive buffer of one socket.
constexpr std::uint64_t window_of_all = 128;
constexpr std::size_t most_starting = 64;  // allocations asked for at once
constexpr Duration tick = 5ms;
constexpr Duration stalled = 100ms;  // without an arrival: what was under way is lost
constexpr Duration last_arrivals = 300ms;

Duration cpu_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return Duration(std::chrono::seconds(time.tv_sec)) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// Resident memory of this process, in bytes.
std::uint64_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t pages = 0;
  statm >> total >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

const char* name_of(ice::RelayedOver over) {
  return over == ice::RelayedOver::udp ? "udp" : over == ice::RelayedOver::tcp ? "tcp" : "tls";
}

}  // namespace

class RelayLoad::Body final : transport::DialObserver {
 public:
  Body(asio::any_io_executor executor, const job::Job& job, unsigned sessions, event::Reporter reporter, Random& random)
      : executor_(executor),
        job_(job),
        reporter_(std::move(reporter)),
        random_(random),
        resolver_(executor),
        dialer_(executor, call::dialer_settings(job), resolver_, random, *this),
        record_(turn::AddressFamilies::v4, job.misbehave),
        timer_(executor),
        message_(job.load.size) {
    const auto servers = call::gatherer_settings(job).servers;
    for (const auto& server : servers) {
      for (const auto& uri : server.urls) {
        if (!uri.relays() || uri_) continue;
        uri_ = uri;
        username_ = server.username;
        credential_ = server.credential;
      }
    }
    if (!uri_) throw Failure(Exit::usage, "relay-load needs a TURN URI in /ice/servers");
    window_ = std::max<std::uint64_t>(window_of_all / (2 * sessions), 4);
    before_ = resident();
    for (unsigned i = 0; i < sessions; ++i) {
      ends_.emplace_back(*this);
      ends_.emplace_back(*this);
      ends_[2 * i].other = &ends_[2 * i + 1];
      ends_[2 * i + 1].other = &ends_[2 * i];
    }
  }

  Awaitable<int> run() {
    const auto deadline = reporter_.start() + job_.deadline;
    const auto ready_by = std::min(deadline, Time::clock::now() + 60s);
    while (!stopped_ && ready_ < ends_.size() && Time::clock::now() < ready_by && !refused_) {
      for (; started_ < ends_.size() && started_ - ready_ < most_starting; ++started_) ends_[started_].start();
      co_await wait(tick);
    }
    const auto ready_after = std::chrono::duration_cast<Duration>(Time::clock::now() - reporter_.start());
    const bool good = ready_ == ends_.size();
    if (good) co_await load(ready_after, deadline);
    if (!good) {
      reporter_.problem(refused_ ? refused_->code : transport::Problem::turn_unreachable,
                        refused_ ? refused_->detail : fmt::format("{} of {} allocations stand", ready_, ends_.size()),
                        true);
    }
    co_await close();
    reporter_.closed(good ? "done" : "no relay");
    co_return good&& received() > 0 ? 0 : static_cast<int>(Exit::failed);
  }

  void stop() {
    stopped_ = true;
    timer_.cancel();
  }

 private:
  // One allocation: sends to the other of its session, counts what comes from it.
  struct End final : TurnRung::Listener {
    explicit End(Body& owner) : body(owner) {}

    void start() {
      TurnRung::Settings settings;
      settings.uri = *body.uri_;
      settings.username = body.username_;
      settings.credential = body.credential_;
      settings.families = turn::AddressFamilies::v4;
      settings.offload = transport::UdpSocket::Offload::segments;
      settings.misbehaviour = body.job_.misbehave;
      rung = std::make_unique<TurnRung>(body.executor_, std::move(settings), body.record_, body.dialer_, body.resolver_,
                                        body.random_, static_cast<TurnRung::Listener&>(*this));
      rung->start();
    }
    void allocated(TurnRung&) override {
      const auto relayed = rung->allocation()->relayed(Family::v4);
      if (!relayed) return;
      relayed_ = *relayed;
      if (!other->relayed_) return;
      meet();
      other->meet();
    }
    void meet() { rung->permit(other->relayed_->address); }
    void permission(TurnRung&, const Address&, bool granted) override {
      if (!granted || permitted) return;
      permitted = true;
      if (body.job_.load.channels) rung->bind(*other->relayed_);
      ++body.ready_;
      body.timer_.cancel();
    }
    void received(TurnRung&, const turn::PeerData& data) override {
      const auto header = TestHeader::parse(data.payload);
      if (!header || !arrivals.take(header->sequence, data.payload.size(), Time::clock::now())) return;
      if (other->under_way > 0) --other->under_way;
      if (body.loading_ && body.job_.load.rate == 0) other->fill();
    }
    void told(TurnRung&, const RungReport& report) override {
      if (report.state == RungReport::State::failed && !body.refused_) body.refused_ = report.trouble;
    }
    bool send() {
      TestHeader{.kind = measure::Kind::throughput,
                 .length = static_cast<std::uint32_t>(body.message_.size()),
                 .sequence = sent}
          .write(body.message_);
      if (!rung->send(*other->relayed_, body.message_)) return false;
      ++sent;
      ++under_way;
      return true;
    }
    void fill() {
      while (under_way < body.window_ && send()) {
      }
    }
    // What has been under way for so long will not come.
    void forget_lost(Time now) {
      const auto seen = other->arrivals.received();
      if (seen != progress || under_way == 0) {
        progress = seen;
        progressed = now;
      } else if (now > progressed + stalled) {
        under_way = 0;
        progressed = now;
      }
    }

    Body& body;
    End* other = nullptr;
    std::unique_ptr<TurnRung> rung;
    std::optional<Endpoint> relayed_;
    bool permitted = false;
    measure::Arrivals arrivals;
    std::uint64_t sent = 0;
    std::uint64_t under_way = 0;
    std::uint64_t progress = 0;
    Time progressed{};
  };

  Awaitable<void> wait(Duration time) {
    boost::system::error_code ignored;
    timer_.expires_after(time);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  std::uint64_t received() const {
    std::uint64_t sum = 0;
    for (const auto& end : ends_) sum += end.arrivals.received();
    return sum;
  }
  std::uint64_t sent() const {
    std::uint64_t sum = 0;
    for (const auto& end : ends_) sum += end.sent;
    return sum;
  }

  Awaitable<void> load(Duration ready_after, Time deadline) {
    const auto memory = resident();
    const auto cpu = cpu_time();
    const auto begin = Time::clock::now();
    const auto finish = std::min(begin + job_.load.time, deadline);
    loading_ = true;
    if (job_.load.rate == 0) {
      for (auto& end : ends_) end.fill();
    }
    for (auto now = begin; now < finish && !stopped_; now = Time::clock::now()) {
      if (job_.load.rate == 0) {
        for (auto& end : ends_) {
          end.forget_lost(now);
          end.fill();
        }
      } else {
        send_due(std::chrono::duration_cast<Duration>(now - begin));
      }
      co_await wait(job_.load.rate == 0 ? tick : Duration(1ms));
    }
    loading_ = false;
    const auto took = std::chrono::duration_cast<Duration>(Time::clock::now() - begin);
    const auto in_time = received();
    const auto spent = cpu_time() - cpu;
    for (std::uint64_t before = ~std::uint64_t{0}; before != received() && received() < sent();) {
      before = received();
      co_await wait(last_arrivals);
    }
    tell(ready_after, took, in_time, spent, memory);
  }

  void send_due(Duration elapsed) {
    // Each way has the rate, shared by all sessions.
    const auto due = static_cast<std::uint64_t>(seconds(elapsed) * static_cast<double>(job_.load.rate) * 2);
    for (auto left = due > offered_ ? due - offered_ : 0; left > 0; --left) {
      ends_[offered_++ % ends_.size()].send();
    }
  }

  void tell(Duration ready_after, Duration took, std::uint64_t in_time, Duration spent, std::uint64_t memory) const {
    const auto all = received();
    const auto offered = sent();
    const auto sessions = ends_.size() / 2;
    reporter_.other("relay-load", [&](event::Line& line) {
      const auto count = [&](std::string_view name, std::uint64_t value) {
        line.integer(name, static_cast<std::int64_t>(value));
      };
      line.text("relay_protocol", name_of(uri_->over())).text("carriage", job_.load.channels ? "channel-data" : "send");
      count("sessions", sessions);
      count("size", job_.load.size);
      line.decimal("ready_ms", seconds(ready_after) * 1'000).decimal("seconds", seconds(took));
      count("sent", offered);
      count("received", all);
      count("lost", offered > all ? offered - all : 0);
      line.decimal("messages_per_second", static_cast<double>(in_time) / seconds(took))
          .decimal("goodput_bps", static_cast<double>(in_time * job_.load.size) * 8 / seconds(took))
          .decimal("cpu_seconds", seconds(spent))
          .decimal("cpu_share", seconds(spent) / seconds(took))
          .decimal("cpu_us_per_message", in_time == 0 ? 0 : seconds(spent) * 1e6 / static_cast<double>(in_time));
      count("bytes_per_session", memory > before_ ? (memory - before_) / sessions : 0);
    });
  }

  // All at once: each waits for the server's answer.
  Awaitable<void> close() {
    std::size_t open = 0;
    for (auto& end : ends_) {
      if (!end.rung) continue;
      ++open;
      asio::co_spawn(executor_, end.rung->close(), [&open, this](const std::exception_ptr&) {
        if (--open == 0) timer_.cancel();
      });
    }
    while (open > 0) co_await wait(1s);
  }

  void proxy_phase(const transport::ProxyPhase&) override {}

  asio::any_io_executor executor_;
  job::Job job_;
  event::Reporter reporter_;
  Random& random_;
  transport::Resolver resolver_;
  transport::Dialer dialer_;
  turn::ServerRecord record_;
  asio::steady_timer timer_;
  std::vector<std::uint8_t> message_;
  std::optional<transport::IceUri> uri_;
  std::string username_;
  std::string credential_;
  std::uint64_t window_ = 0;
  std::uint64_t before_ = 0;
  std::uint64_t offered_ = 0;
  std::size_t started_ = 0;
  std::size_t ready_ = 0;
  bool loading_ = false;
  bool stopped_ = false;
  std::optional<transport::Trouble> refused_;
  std::deque<End> ends_;
};

RelayLoad::RelayLoad(asio::any_io_executor executor, const job::Job& job, unsigned sessions, event::Reporter reporter,
                     Random& random)
    : body_(std::make_shared<Body>(std::move(executor), job, sessions, std::move(reporter), random)) {}
RelayLoad::~RelayLoad() = default;
Awaitable<int> RelayLoad::run() { return body_->run(); }
void RelayLoad::stop() { body_->stop(); }

}  // namespace crypelab::client::load
