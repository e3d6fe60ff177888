#include "clients/reference/transport/dialer.h"

#include "clients/reference/transport/connector.h"
#include "clients/reference/transport/race.h"
#include "clients/reference/transport/tunnel.h"
#include "harness/wire/http_auth.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;
using Kind = proxy::Server::Kind;

namespace {

constexpr Duration dead_for = 60s;          // a proxy that was not there is asked last for so long
constexpr Duration reach_when_others = 4s;  // it is waited for when there are others in the list

// The settings and what was learnt under them; replaced as a whole.
struct Configuration {
  std::shared_ptr<const proxy::Account> account;
  std::shared_ptr<proxy::Chooser> signaling;
  std::shared_ptr<proxy::Chooser> turn;
  std::map<proxy::Server, std::shared_ptr<ProxyState>> states;
};

std::string_view scheme_of(Purpose purpose) { return purpose == Purpose::signaling ? "wss" : "https"; }

Problem unreachable(Purpose purpose) {
  return purpose == Purpose::signaling ? Problem::sig_blocked : Problem::turn_unreachable;
}

Problem problem_of(const TlsFault& fault, Purpose purpose) {
  const bool signaling = purpose == Purpose::signaling;
  if (fault.kind == TlsFault::Kind::page) return Problem::captive_portal;
  if (fault.kind == TlsFault::Kind::untrusted) {
    return signaling ? Problem::sig_tls_untrusted : Problem::turn_tls_untrusted;
  }
  return signaling ? Problem::sig_blocked : Problem::turn_tls_blocked;
}

}  // namespace

class Dialer::Body {
 public:
  Body(boost::asio::any_io_executor executor, Settings settings, Resolver& resolver, Random& random,
       DialObserver& observer)
      : executor_(std::move(executor)),
        settings_(std::move(settings)),
        resolver_(resolver),
        random_(random),
        observer_(observer),
        tls_(client_context(settings_.trust)) {
    configure();
  }

  void change(proxy::Settings settings, proxy::Account account) {
    settings_.proxy = std::move(settings);
    settings_.account = std::move(account);
    configure();
  }

  static Awaitable<DialOutcome> dial(std::shared_ptr<Body> body, Target target, Time deadline) {
    const auto progress = std::make_shared<Progress>();
    const auto executor = body->executor_;
    // Named: GCC 12 destroys a closure twice that is made within a co_await.
    const std::function<Awaitable<std::optional<DialOutcome>>()> once =
        [body, target, deadline, progress]() -> Awaitable<std::optional<DialOutcome>> {
      co_return co_await attempt(body, target, deadline, progress);
    };
    auto outcome = co_await within<DialOutcome>(executor, deadline, once);
    if (outcome) co_return std::move(*outcome);
    co_return body->out_of_time(target, *progress);
  }

  static Awaitable<proxy::Servers> choose(std::shared_ptr<Body> body, std::shared_ptr<Configuration> configuration,
                                          Purpose purpose, std::string host, std::uint16_t port, Time deadline) {
    const auto& broken = body->settings_.misbehaviour;
    const bool beside = broken.breaks(purpose == Purpose::signaling ? Rule::g01 : Rule::no_bypass);
    if (beside) co_return proxy::Servers{proxy::Server{}};
    const auto chooser = purpose == Purpose::signaling ? configuration->signaling : configuration->turn;
    proxy::Destination destination{std::string(scheme_of(purpose)), host, port};
    const auto choice = co_await chooser->choose(destination, deadline);
    auto servers = choice.servers;
    // Those that were dead of late come last (as browsers do).
    std::stable_partition(servers.begin(), servers.end(), [&](const proxy::Server& server) {
      const auto known = configuration->states.find(server);
      return known == configuration->states.end() || known->second->dead_until <= Clock::now();
    });
    co_return servers;
  }

  std::shared_ptr<Configuration> configuration() const { return configuration_; }

 private:
  void configure() {
    configuration_ = std::make_shared<Configuration>();
    configuration_->account = std::make_shared<const proxy::Account>(settings_.account);
    const auto chooser = [this](Purpose purpose) {
      return std::make_shared<proxy::Chooser>(executor_, proxy::settings_for(settings_.app, purpose, settings_.proxy),
                                              resolver_, settings_.trust);
    };
    configuration_->signaling = chooser(Purpose::signaling);
    configuration_->turn = chooser(Purpose::turn);
  }

  static Awaitable<DialOutcome> attempt(std::shared_ptr<Body> body, Target target, Time deadline,
                                        std::shared_ptr<Progress> progress) {
    const auto configuration = body->configuration_;
    const Time begun = Clock::now();
    const auto servers = co_await choose(body, configuration, target.purpose, target.host, target.port, deadline);
    progress->times.choice = elapsed(begun);
    std::optional<DialFailure> first;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      progress->via = servers[i];
      const bool last = i + 1 == servers.size();
      auto outcome = co_await through(body, configuration, target, servers[i], deadline, last, progress);
      auto* failure = std::get_if<DialFailure>(&outcome);
      if (failure == nullptr) co_return outcome;
      // Only what is not there is passed over: a refusal is an answer.
      const bool passes_over = failure->by_proxy && failure->status == 0 &&
                               (failure->trouble.code == Problem::proxy_unreachable ||
                                failure->trouble.code == Problem::proxy_tls_untrusted);
      if (!first) first = *failure;
      if (!passes_over) co_return outcome;
    }
    co_return std::move(*first);
  }

  static Awaitable<DialOutcome> through(std::shared_ptr<Body> body, std::shared_ptr<Configuration> configuration,
                                        Target target, proxy::Server server, Time deadline, bool last,
                                        std::shared_ptr<Progress> progress) {
    const auto& broken = body->settings_.misbehaviour;
    std::unique_ptr<Stream> stream;
    if (server.kind == Kind::direct || broken.breaks(Rule::p22) || broken.breaks(Rule::p23)) {
      progress->stage = Stage::resolving;
      const Time begun = Clock::now();
      const auto resolved = co_await body->resolver_.resolve(target.host, deadline);
      progress->times.resolve += elapsed(begun);
      if (resolved.addresses.empty()) co_return body->failure(Problem::dns_failed, resolved.fault, *progress);
      if (server.kind == Kind::direct) {
        progress->stage = Stage::connecting;
        const Time dialed = Clock::now();
        auto connected = co_await connect_any(resolved.addresses, target.port, deadline, broken);
        progress->times.connect += elapsed(dialed);
        if (const auto* why = std::get_if<std::string>(&connected)) {
          co_return body->failure(unreachable(target.purpose),
                                  fmt::format("{}: {}", proxy::authority_of(target.host, target.port), *why),
                                  *progress);
        }
        stream = std::move(std::get<std::unique_ptr<Stream>>(connected));
      } else if (broken.breaks(Rule::p22)) {
        target.host = to_string(resolved.addresses.front());
      }
    }
    if (server.kind != Kind::direct) {
      auto& state = configuration->states[server];
      if (!state) state = std::make_shared<ProxyState>(body->executor_);
      TunnelWish wish{server,         target.host,
                      target.port,    body->protocols(target),
                      target.purpose, last ? deadline : std::min(deadline, Clock::now() + reach_when_others),
                      deadline};
      TunnelMeans means{body->resolver_, body->random_, body->observer_, *body->tls_, broken};
      // One that takes the connection and says nothing is as dead as one that does not, if there are others.
      using Opened = std::variant<std::unique_ptr<Stream>, TunnelFault>;
      const std::function<Awaitable<std::optional<Opened>>()> once = [body, means, wish, configuration, state,
                                                                      progress]() -> Awaitable<std::optional<Opened>> {
        co_return co_await open_tunnel(means, wish, configuration->account, state, progress);
      };
      auto answered = co_await within<Opened>(body->executor_, last ? Time::max() : wish.reach_by, once);
      if (!answered) {
        TunnelFault silent{
            {Problem::proxy_unreachable, fmt::format("proxy {}: no answer", to_string(server))}, true, 0};
        answered = std::move(silent);
      }
      auto& opened = *answered;
      if (auto* fault = std::get_if<TunnelFault>(&opened)) {
        if (fault->unreachable) state->dead_until = Clock::now() + dead_for;
        auto failure = body->failure(fault->trouble.code, fault->trouble.detail, *progress);
        failure.by_proxy = true;
        failure.status = fault->status;
        failure.too_many = state->tunnels > 0 && (fault->status == 403 || fault->status == 429 || fault->status == 503);
        co_return failure;
      }
      state->dead_until = {};
      stream = std::move(std::get<std::unique_ptr<Stream>>(opened));
    }
    co_return co_await greet(body, configuration, target, std::move(stream), server, progress);
  }

  static Awaitable<DialOutcome> greet(std::shared_ptr<Body> body, std::shared_ptr<Configuration> configuration,
                                      Target target, std::unique_ptr<Stream> stream, proxy::Server server,
                                      std::shared_ptr<Progress> progress) {
    Dialed dialed;
    if (target.tls) {
      progress->stage = Stage::greeting;
      if (target.greeting) target.greeting();
      const Time begun = Clock::now();
      const auto remote = stream->remote();
      auto opened = co_await open_tls(std::move(stream), *body->tls_, *target.tls, body->settings_.misbehaviour);
      progress->times.tls = elapsed(begun);
      if (const auto* fault = std::get_if<TlsFault>(&opened)) {
        const auto where = server.kind == Kind::direct ? to_string(remote) : "through " + to_string(server);
        co_return body->failure(
            problem_of(*fault, target.purpose),
            fmt::format("{} ({}): {}", proxy::authority_of(target.host, target.port), where, fault->detail), *progress);
      }
      auto& tls = std::get<TlsOpened>(opened);
      stream = std::move(tls.stream);
      dialed.protocol = std::move(tls.protocol);
    }
    dialed.stream = std::move(stream);
    dialed.via = server;
    dialed.times = progress->times;
    const auto& account = *configuration->account;
    if (body->settings_.misbehaviour.breaks(Rule::p09) && account.kind == proxy::Account::Kind::given) {
      if (auto text = wire::basic_credentials({account.user, account.password})) {
        dialed.to_leak = "Proxy-Authorization: " + *text;
      }
    }
    co_return dialed;
  }

  // RFC 7639 §2.3: what the ClientHello will list, or the one protocol of a tunnel whose TLS names none.
  std::vector<std::string> protocols(const Target& target) const {
    auto list = target.tls && !target.tls->alpn.empty() ? target.tls->alpn : target.protocols;
    if (target.tls && settings_.misbehaviour.breaks(Rule::p19)) list = {"h2", "webrtc"};
    if (!target.tls && settings_.misbehaviour.breaks(Rule::p20)) list.push_back("webrtc");
    return list;
  }

  DialFailure failure(Problem problem, std::string detail, const Progress& progress) const {
    return {.trouble = {problem, std::move(detail)}, .times = progress.times};
  }

  DialFailure out_of_time(const Target& target, const Progress& progress) {
    const auto name = proxy::authority_of(target.host, target.port);
    const bool direct = progress.via.kind == Kind::direct;
    auto result = failure(unreachable(target.purpose), name + ": no answer in time", progress);
    result.by_proxy = !direct;
    auto& trouble = result.trouble;
    switch (progress.stage) {
      case Stage::choosing:
        trouble.detail = name + ": it was not known in time which proxy to use";
        break;
      case Stage::resolving:
        trouble = {direct ? Problem::dns_failed : Problem::proxy_unreachable,
                   (direct ? target.host : progress.via.host) + ": the resolver does not answer"};
        break;
      case Stage::connecting:
        if (!direct) {
          trouble = {Problem::proxy_unreachable, fmt::format("proxy {}: no answer", to_string(progress.via))};
        }
        break;
      case Stage::tunneling:
        trouble = {Problem::proxy_unreachable,
                   fmt::format("proxy {}: no answer to CONNECT {}", to_string(progress.via), name)};
        break;
      case Stage::greeting: {
        const TlsFault silent{TlsFault::Kind::closed, {}};
        trouble = {problem_of(silent, target.purpose),
                   fmt::format("{}: the connection stands, and nothing answers the TLS handshake", name)};
        result.by_proxy = false;
        break;
      }
    }
    return result;
  }

  boost::asio::any_io_executor executor_;
  Settings settings_;
  Resolver& resolver_;
  Random& random_;
  DialObserver& observer_;
  TlsContext tls_;
  std::shared_ptr<Configuration> configuration_;
};

Dialer::Dialer(boost::asio::any_io_executor executor, Settings settings, Resolver& resolver, Random& random,
               DialObserver& observer)
    : body_(std::make_shared<Body>(std::move(executor), std::move(settings), resolver, random, observer)) {}
Dialer::~Dialer() = default;

Awaitable<DialOutcome> Dialer::dial(Target target, Time deadline) {
  return Body::dial(body_, std::move(target), deadline);
}

void Dialer::change_proxy(proxy::Settings settings, proxy::Account account) {
  body_->change(std::move(settings), std::move(account));
}

Awaitable<proxy::Server> Dialer::route(Purpose purpose, std::string host, std::uint16_t port, Time deadline) {
  const auto body = body_;
  const auto configuration = body->configuration();
  const auto servers = co_await Body::choose(body, configuration, purpose, std::move(host), port, deadline);
  co_return servers.front();
}

}  // namespace crypelab::client::transport
