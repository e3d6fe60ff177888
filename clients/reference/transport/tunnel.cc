#include "clients/reference/transport/tunnel.h"

#include "clients/reference/proxy/connect_dialogue.h"
#include "clients/reference/proxy/kerberos.h"
#include "clients/reference/proxy/socks_dialogue.h"
#include "clients/reference/transport/connector.h"
#include "clients/reference/transport/prefixed_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;
using Kind = proxy::Server::Kind;
using proxy::ConnectDialogue;
using proxy::SocksDialogue;

namespace {

constexpr Duration longest_courtesy = 2s;  // that others are waited for who find out how the proxy wants to be asked

template <class T>
using Outcome = std::variant<T, TunnelFault>;
using OpenStream = Outcome<std::unique_ptr<Stream>>;

// Counted while it stands, so that a refusal can be told from a limit.
class Counted {
 public:
  explicit Counted(std::shared_ptr<ProxyState> state) : state_(std::move(state)) { ++state_->tunnels; }
  ~Counted() { --state_->tunnels; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::shared_ptr<ProxyState> state_;
};

// One dial at a time finds out how the proxy wants to be asked, so that wrong credentials are not shown once for each
// tunnel (P-24); and signaling goes first, in case the proxy limits connections.
class Turn {
 public:
  Turn(std::shared_ptr<ProxyState> state, Purpose purpose) : state_(std::move(state)), purpose_(purpose) {
    if (purpose_ == Purpose::signaling) ++state_->signaling;
  }
  ~Turn() {
    if (purpose_ == Purpose::signaling) --state_->signaling;
    end();
    state_->changed.cancel();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool mine() const {
    if (purpose_ != Purpose::signaling && state_->signaling > 0) return false;
    return state_->settled || state_->asking == 0;
  }
  void begin() {
    asking_ = true;
    ++state_->asking;
  }
  void end() {
    if (asking_) --state_->asking;
    asking_ = false;
  }
  void settle() {
    state_->settled = true;
    state_->changed.cancel();
  }

 private:
  std::shared_ptr<ProxyState> state_;
  Purpose purpose_;
  bool asking_ = false;
};

std::uint64_t file_time() {
  using Ticks = std::chrono::duration<std::uint64_t, std::ratio<1, 10'000'000>>;
  const auto since_1970 = std::chrono::duration_cast<Ticks>(std::chrono::system_clock::now().time_since_epoch());
  return since_1970.count() + 116'444'736'000'000'000u;
}

struct Asker {
  TunnelMeans means;
  TunnelWish wish;
  std::shared_ptr<const proxy::Account> account;
  std::shared_ptr<ProxyState> state;
  std::shared_ptr<Progress> progress;
  std::string place;   // of the proxy
  std::string target;  // of the tunnel

  void tell(ProxyPhase::Kind kind, unsigned status, const std::string& scheme) const {
    means.observer.proxy_phase({kind, wish.purpose, place, target, status, scheme});
  }
  TunnelFault unreachable(std::string_view what, std::string_view why) const {
    return {{Problem::proxy_unreachable, fmt::format("proxy {}: {}: {}", proxy::to_string(wish.through), what, why)},
            true,
            0};
  }
};

Awaitable<OpenStream> reach(std::shared_ptr<Asker> asker) {
  const auto& wish = asker->wish;
  asker->progress->stage = Stage::resolving;
  Time begun = Clock::now();
  const auto resolved = co_await asker->means.resolver.resolve(wish.through.host, wish.reach_by);
  asker->progress->times.resolve += elapsed(begun);
  if (resolved.addresses.empty()) co_return asker->unreachable("its name is not known", resolved.fault);
  asker->progress->stage = Stage::connecting;
  begun = Clock::now();
  auto connected =
      co_await connect_any(resolved.addresses, wish.through.port, wish.reach_by, asker->means.misbehaviour);
  asker->progress->times.connect += elapsed(begun);
  if (const auto* why = std::get_if<std::string>(&connected)) co_return asker->unreachable("no connection", *why);
  auto stream = std::move(std::get<std::unique_ptr<Stream>>(connected));
  asker->tell(ProxyPhase::Kind::connect, 0, {});
  asker->progress->stage = Stage::tunneling;
  if (wish.through.kind == Kind::https) {
    TlsWish tls{wish.through.host, {}, {"http/1.1"}};
    auto opened = co_await open_tls(std::move(stream), asker->means.tls, std::move(tls), asker->means.misbehaviour);
    if (const auto* fault = std::get_if<TlsFault>(&opened)) {
      auto told = asker->unreachable("TLS", fault->detail);
      if (fault->kind == TlsFault::Kind::untrusted) told.trouble.code = Problem::proxy_tls_untrusted;
      co_return told;
    }
    stream = std::move(std::get<TlsOpened>(opened).stream);
  }
  co_return stream;
}

Awaitable<OpenStream> ask_http(std::shared_ptr<Asker> asker, Turn& turn) {
  auto& state = *asker->state;
  const bool stubborn = asker->means.misbehaviour.breaks(Rule::p24);
  if (state.login.rejected && !stubborn) {
    const auto text =
        fmt::format("proxy {}: it refused these credentials before; they are not shown again", asker->place);
    co_return TunnelFault{{Problem::proxy_auth_failed, text}, false, 407};
  }
  auto broken = asker->means.misbehaviour;
  if (broken.breaks(Rule::p26) && asker->wish.purpose == Purpose::turn) broken.add(Rule::w11);
  const std::string name = asker->target;
  ConnectDialogue dialogue({name, asker->wish.protocols, "crypelab", broken}, *asker->account, state.login,
                           asker->means.random);
  std::unique_ptr<Stream> stream;
  std::vector<std::uint8_t> buffer(16 * 1024);
  std::vector<std::uint8_t> early;
  while (true) {
    switch (dialogue.step()) {
      case ConnectDialogue::Step::reconnect:
        stream.reset();
        [[fallthrough]];
      case ConnectDialogue::Step::send: {
        if (!stream) {
          auto reached = co_await reach(asker);
          if (auto* fault = std::get_if<TunnelFault>(&reached)) co_return std::move(*fault);
          stream = std::move(std::get<std::unique_ptr<Stream>>(reached));
        }
        const auto request = dialogue.request(file_time());
        if (!request.empty() && !stream->write(wire::bytes_of(request))) dialogue.ended();
        break;
      }
      case ConnectDialogue::Step::ticket: {
        auto token = co_await proxy::kerberos_token(asker->wish.through.host, asker->wish.deadline);
        dialogue.take_ticket(std::move(token));
        break;
      }
      case ConnectDialogue::Step::read: {
        const auto got = co_await stream->read_some(buffer);
        if (got.error) {
          dialogue.ended();
          break;
        }
        const auto used = dialogue.take(wire::Bytes(buffer).first(got.size));
        if (dialogue.challenged()) asker->tell(ProxyPhase::Kind::challenge, 407, dialogue.scheme());
        early.assign(buffer.begin() + static_cast<std::ptrdiff_t>(used),
                     buffer.begin() + static_cast<std::ptrdiff_t>(got.size));
        break;
      }
      case ConnectDialogue::Step::tunnel:
        turn.settle();
        asker->tell(ProxyPhase::Kind::tunnel, dialogue.status(), dialogue.scheme());
        co_return std::make_unique<PrefixedStream>(std::move(early), std::move(stream),
                                                   std::make_shared<Counted>(asker->state));
      case ConnectDialogue::Step::failed: {
        turn.settle();
        const auto& trouble = dialogue.trouble();
        if (dialogue.status() != 0 && dialogue.status() != 407) {
          asker->tell(ProxyPhase::Kind::tunnel, dialogue.status(), dialogue.scheme());
        }
        co_return TunnelFault{
            {trouble.code, fmt::format("proxy {}: {}", asker->place, trouble.detail)}, false, dialogue.status()};
      }
    }
  }
}

Awaitable<OpenStream> ask_socks(std::shared_ptr<Asker> asker, Turn& turn) {
  auto reached = co_await reach(asker);
  if (auto* fault = std::get_if<TunnelFault>(&reached)) co_return std::move(*fault);
  auto stream = std::move(std::get<std::unique_ptr<Stream>>(reached));
  SocksDialogue dialogue(asker->wish.host, asker->wish.port, *asker->account);
  std::vector<std::uint8_t> pending;
  std::vector<std::uint8_t> buffer(1024);
  while (true) {
    switch (dialogue.step()) {
      case SocksDialogue::Step::send:
        if (!stream->write(wire::Bytes(dialogue.message()))) dialogue.ended();
        break;
      case SocksDialogue::Step::read: {
        const auto got = co_await stream->read_some(buffer);
        if (got.error) {
          dialogue.ended();
          break;
        }
        pending.insert(pending.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.size));
        const auto used = dialogue.take(pending);
        pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(used));
        break;
      }
      case SocksDialogue::Step::tunnel:
        turn.settle();
        asker->tell(ProxyPhase::Kind::tunnel, 0, dialogue.with_password() ? "socks5-password" : "socks5");
        co_return std::make_unique<PrefixedStream>(std::move(pending), std::move(stream),
                                                   std::make_shared<Counted>(asker->state));
      case SocksDialogue::Step::failed: {
        turn.settle();
        const auto& trouble = dialogue.trouble();
        if (trouble.code == Problem::proxy_auth_failed) asker->state->login.rejected = true;
        co_return TunnelFault{{trouble.code, fmt::format("proxy {}: {}", asker->place, trouble.detail)}, false, 0};
      }
    }
  }
}

}  // namespace

Awaitable<OpenStream> open_tunnel(TunnelMeans means, TunnelWish wish, std::shared_ptr<const proxy::Account> account,
                                  std::shared_ptr<ProxyState> state, std::shared_ptr<Progress> progress) {
  const auto asker = std::make_shared<Asker>(Asker{means, wish, account, state, progress,
                                                   proxy::authority_of(wish.through.host, wish.through.port),
                                                   proxy::authority_of(wish.host, wish.port)});
  Turn turn(state, wish.purpose);
  const Time patience = Clock::now() + longest_courtesy;
  while (!turn.mine() && Clock::now() < patience) {
    state->changed.expires_at(patience);
    co_await state->changed.async_wait(use);
  }
  turn.begin();
  const Time begun = Clock::now();
  const auto before = progress->times;
  const auto asked = wish.through.kind == Kind::socks5 ? ask_socks : ask_http;
  auto outcome = co_await asked(asker, turn);
  const auto& times = progress->times;
  const auto reaching = times.resolve - before.resolve + times.connect - before.connect;
  progress->times.proxy += elapsed(begun) - reaching;
  co_return outcome;
}

}  // namespace crypelab::client::transport
