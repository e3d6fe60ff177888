#include "clients/reference/proxy/chooser.h"

#include "clients/reference/proxy/pac.h"
#include "clients/reference/transport/interfaces.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace crypelab::client::proxy {

using transport::Awaitable;
using Clock = std::chrono::steady_clock;

namespace {

using transport::use;
constexpr Duration fetch_time = 30s;
constexpr Duration before_next_fetch = 30s;
constexpr Duration evaluation_time = 5s;
constexpr Duration wpad_name_time = 2s;

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> found;
  for (const auto* name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "auto_proxy", "HTTP_PROXY",
                           "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "AUTO_PROXY"}) {
    if (const char* value = std::getenv(name)) found[name] = value;
  }
  return found;
}

}  // namespace

std::vector<std::string> wpad_hosts(const std::vector<std::string>& search_domains) {
  std::vector<std::string> hosts;
  for (auto domain : search_domains) {
    // Each parent, too, while it has two labels: what is above is not the site's own.
    while (std::count(domain.begin(), domain.end(), '.') >= 1 && hosts.size() < 8) {
      auto host = "wpad." + domain;
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(std::move(host));
      domain.erase(0, domain.find('.') + 1);
    }
  }
  return hosts;
}

class Chooser::Body : public std::enable_shared_from_this<Body> {
 public:
  Body(boost::asio::any_io_executor executor, Settings settings, transport::Resolver& resolver, std::string trust)
      : executor_(executor),
        settings_(std::move(settings)),
        resolver_(resolver),
        trust_(std::move(trust)),
        changed_(executor) {
    changed_.expires_at(Clock::time_point::max());
    switch (settings_.mode) {
      case Mode::direct:
        break;
      case Mode::fixed_servers:
        if (auto fixed = fixed_of(settings_)) {
          fixed_ = std::move(*fixed);
        } else {
          fault_ = fixed.complaint();
        }
        break;
      case Mode::pac_script:
        urls_ = {settings_.pac};
        break;
      case Mode::auto_detect:
        discovers_ = true;
        break;
      case Mode::system: {
        auto found = from_environment(environment());
        if (found && !found->pac.empty()) {
          urls_ = {found->pac};
        } else if (found) {
          fixed_ = std::move(found->fixed);
        } else {
          discovers_ = true;
        }
        break;
      }
    }
  }

  static Awaitable<Choice> choose(std::shared_ptr<Body> body, Destination destination, Time deadline) {
    if (body->fixed_)
      co_return Choice{body->fixed_->choose(destination.scheme, destination.host, destination.port), {}};
    if (!body->discovers_ && body->urls_.empty()) co_return Choice{{Server{}}, body->fault_};
    // What is never proxied needs no script.
    if (Bypass().matches(destination.scheme, destination.host, destination.port)) co_return Choice{{Server{}}, {}};
    co_await ready(body, deadline);
    if (!body->pac_) co_return Choice{{Server{}}, body->fault_};
    // One question at a time.
    while (body->asking_ && Clock::now() < deadline) co_await body->changed_.async_wait(use);
    const auto pac = body->pac_;
    if (!pac || body->asking_) co_return Choice{{Server{}}, body->fault_};
    struct Asking {
      std::shared_ptr<Body> body;
      explicit Asking(std::shared_ptr<Body> of) : body(std::move(of)) { body->asking_ = true; }
      ~Asking() {
        body->asking_ = false;
        body->changed_.cancel();
      }
    };
    const Asking asking(body);
    const auto url = destination.scheme + "://" + authority_of(destination.host, destination.port) + "/";
    const auto found = co_await pac->find(url, destination.host, Clock::now() + evaluation_time);
    if (found) co_return Choice{parse_pac_answer(*found), {}};
    co_return Choice{{Server{}}, found.complaint()};
  }

 private:
  // There is a script, or it is known that there is none.
  static Awaitable<void> ready(std::shared_ptr<Body> body, Time deadline) {
    if (body->pac_ && !body->pac_->alive()) body->pac_.reset();
    if (!body->pac_ && !body->loading_ && Clock::now() >= body->load_again_) {
      body->loading_ = true;
      boost::asio::co_spawn(body->executor_, load(body), boost::asio::detached);
    }
    boost::asio::steady_timer limit(body->executor_, deadline);
    limit.async_wait([weak = std::weak_ptr(body)](transport::Error error) {
      const auto self = weak.lock();
      if (!error && self) self->changed_.cancel();
    });
    while (body->loading_ && Clock::now() < deadline) co_await body->changed_.async_wait(use);
  }

  static Awaitable<void> load(std::shared_ptr<Body> body) {
    auto urls = body->urls_;
    if (body->discovers_) {
      for (const auto& host : wpad_hosts(body->resolver_.search_domains())) {
        const auto resolved = co_await body->resolver_.resolve(host + ".", Clock::now() + wpad_name_time);
        if (!resolved.addresses.empty()) urls.push_back("http://" + host + "/wpad.dat");
      }
    }
    body->fault_ = "no WPAD server";
    if (!urls.empty()) {
      static const Endpoint outside{Address::v4(0xc0000201), 9};
      const auto pac = std::make_shared<Pac>(body->executor_, urls, body->trust_, transport::source_towards(outside));
      const auto loaded = co_await pac->load(Clock::now() + fetch_time);
      if (loaded) body->pac_ = pac;
      body->fault_ = loaded ? std::string() : loaded.complaint();
    }
    body->load_again_ = Clock::now() + before_next_fetch;
    body->loading_ = false;
    body->changed_.cancel();
  }

  boost::asio::any_io_executor executor_;
  Settings settings_;
  transport::Resolver& resolver_;
  std::string trust_;
  std::optional<Fixed> fixed_;
  std::vector<std::string> urls_;
  bool discovers_ = false;
  std::shared_ptr<Pac> pac_;
  std::string fault_;
  bool loading_ = false;
  bool asking_ = false;
  Time load_again_{};
  boost::asio::steady_timer changed_;
};

Chooser::Chooser(boost::asio::any_io_executor executor, Settings settings, transport::Resolver& resolver,
                 std::string trust)
    : body_(std::make_shared<Body>(std::move(executor), std::move(settings), resolver, std::move(trust))) {}
Chooser::~Chooser() = default;

Awaitable<Choice> Chooser::choose(Destination destination, Time deadline) {
  return Body::choose(body_, std::move(destination), deadline);
}

}  // namespace crypelab::client::proxy
