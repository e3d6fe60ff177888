// What is wrong, said as soon as it is known; and what is done about it.
#include "clients/reference/call/session.h"
#include "clients/reference/transport/interfaces.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>

namespace crypelab::client::call {

using transport::Problem;
using transport::RungReport;
using transport::Trouble;

namespace {

constexpr Duration diagnosis = 12s;       // after which a client that is not connected says why: 15 s at most
constexpr Duration restart_again = 5s;    // between restarts while the path is gone
constexpr Duration give_up = 60s;         // without any path, or any word of the peer
constexpr Duration proxy_patience = 30s;  // with a proxy that is not there, or refuses: some come back within seconds
constexpr Duration renewal_pause = 30s;   // between requests for TURN credentials
constexpr Duration watch_interval = 500ms;
constexpr Duration farewell = 3s;                              // that leaving may take, and the watch's own interval
constexpr Duration silence = 3s;                               // of what comes many times a second: the path is dead
constexpr Duration short_life = ice::Consent::suspicion + 1s;  // a path that is dead by then never answered for consent

// Somebody has said so; time does not make it truer.
bool is_certain(Problem code) {
  switch (code) {
    case Problem::turn_unreachable:
    case Problem::turn_tls_blocked:
    case Problem::dns_failed:
    case Problem::ice_no_path:
      return false;
    default:
      return true;
  }
}

// What time may mend, and does not often.
bool is_in_the_proxy(Problem code) {
  return code == Problem::proxy_unreachable || code == Problem::proxy_connect_denied ||
         code == Problem::proxy_tls_untrusted;
}

}  // namespace

void Session::report(const Trouble& trouble, bool fatal) {
  if (job_.misbehave.breaks(Rule::unclear_error)) return;
  const std::string key = fmt::format("{} {} {}", transport::name_of(trouble.code), trouble.detail, fatal);
  // The same thing once; and never without end.
  if (reported_.size() > 200 || !reported_.insert(key).second) {
    if (trouble.code != Problem::ice_no_path || fatal) return;
  }
  reporter_.problem(trouble.code, trouble.detail, fatal);
}

void Session::told(const RungReport& rung) {
  const std::string key = fmt::format("{} {}", to_string(rung.uri), rung.server ? to_string(*rung.server) : "");
  if (rungs_.size() < 256) rungs_[key] = rung;
  const bool bad = rung.state == RungReport::State::failed || rung.state == RungReport::State::lost ||
                   rung.state == RungReport::State::waiting;
  if (bad && is_certain(rung.trouble.code)) report(rung.trouble, false);
  const auto now = Time::clock::now();
  if (bad && rung.trouble.code == Problem::turn_auth_failed) {
    wants_credentials_ = true;
    ask_credentials(now);
  }
  stir();
}

void Session::ask_credentials(Time now) {
  if (!wants_credentials_ || !link_->is_open()) return;
  if (last_renewal_ && now <= *last_renewal_ + renewal_pause) return;
  last_renewal_ = now;
  wants_credentials_ = false;
  boost::asio::co_spawn(executor_, renew_credentials(), boost::asio::detached);
}

// Credentials that the job gave have expired: the signaling server makes others.
transport::Awaitable<void> Session::renew_credentials() {
  const auto fresh = co_await link_->ice_servers(Time::clock::now() + 10s);
  if (!fresh || ended_) co_return;
  const auto account =
      std::find_if(fresh->begin(), fresh->end(), [](const auto& one) { return !one.username.empty(); });
  if (account == fresh->end()) co_return;
  reporter_.add_secret(account->credential);
  // The job says which servers; who this client is to them is news.
  auto servers = gatherer_settings(job_).servers;
  for (auto& server : servers) {
    if (server.username.empty()) continue;
    server.username = account->username;
    server.credential = account->credential;
  }
  gatherer_->change_servers(std::move(servers));
  gatherer_->gather_again();
  stir();
}

void Session::state_changed(ice::State state, Time now) {
  switch (state) {
    case ice::State::idle:
    case ice::State::checking:
      break;
    case ice::State::connected:
      if (path_lost_) phases_.path_up(now);
      path_lost_.reset();
      restarts_in_vain_ = 0;
      break;
    case ice::State::disconnected:
      lose_path("the path does not answer any more", now);
      break;
    case ice::State::failed:
      if (!connected_) {
        report(verdict(), true);
        return finish(false, "no path");
      }
      lose_path("the peer's consent is lost", now);
      break;
  }
}

void Session::lose_path(std::string_view why, Time now) {
  if (!path_lost_) path_lost_ = now;
  phases_.path_down(now);
  distrust_path(now);
  request_restart(why, now);
}

// Some networks let a flow begin and then kill it (networks.md N7): the same kind again would die the same way.
void Session::distrust_path(Time now) {
  if (connected_ && selected_ && now < *selected_ + short_life) gatherer_->distrust(carrier_);
  selected_.reset();
}

// The peer has given the path up. If nothing arrives here either it is as dead in this direction.
void Session::left_by_peer(Time now) {
  const auto since = silent_since();
  if (since && now > *since + silence / 2) distrust_path(now);
}

// Of a hold with traffic: how long nothing has come over the path that there is.
std::optional<Time> Session::silent_since() const {
  const auto last = phases_.last_arrival();
  return last && selected_ ? std::max(last, selected_) : last;
}

// What nobody tells: a changed uplink, a path that stays away, time that runs out.
void Session::watch(Time now) {
  if (now < next_watch_) return;
  next_watch_ = now + watch_interval;
  // By the deadline it is gone: what it gives back before, and says last, takes its time, too.
  if (now >= reporter_.start() + job_.deadline - std::min<Duration>(farewell, job_.deadline / 4)) {
    if (!connected_) report(verdict(), true);
    return finish(false, "the deadline of the job has passed");
  }
  if (!marks_.link && link_trouble_ && is_in_the_proxy(link_trouble_->code) &&
      now > reporter_.start() + proxy_patience) {
    report(*link_trouble_, true);
    return finish(false, "signaling is not to be had through the proxy");
  }
  if (marks_.link && !marks_.described && now > *marks_.link + give_up) {
    report(verdict(), true);
    return finish(false, "the peer does not answer over signaling");
  }
  if (path_lost_ && now > *path_lost_ + give_up) {
    report({Problem::ice_no_path, "no path came back within a minute"}, true);
    return finish(false, "the path is lost");
  }
  if (path_lost_ && link_->is_open() && (!last_restart_ || now > *last_restart_ + restart_again)) {
    if (++restarts_in_vain_ == 2) gatherer_->trust_again();
    request_restart("there is still no path", now);
  }
  ask_credentials(now);
  watch_silence(now);
  watch_addresses(now);
}

// Consent takes 11 s to become doubtful; that much speech is not lost without asking sooner.
void Session::watch_silence(Time now) {
  const auto since = silent_since();
  if (!since || now < *since + silence || doubted_ == since) return;
  doubted_ = since;
  agent_->doubt();
}

void Session::watch_addresses(Time now) {
  const auto addresses = transport::local_addresses(job_.loopback);
  if (addresses == addresses_) return;
  addresses_ = addresses;
  if (addresses.empty()) return;  // nothing to connect with yet
  gatherer_->trust_again();
  link_->reconnect();
  if (connected_) {
    last_restart_.reset();
    request_restart("the addresses of this machine have changed", now);
  } else {
    gatherer_->gather_again();
  }
}

// The diagnosis is not the ICE state: that may not be `failed` before the PAC timer (RFC 8863 §4), but what is wrong
// is known long before.
void Session::diagnose(Time now) {
  if (diagnosed_ || connected_) return;
  const auto reports = gatherer_->reports();
  const bool all_failed = !reports.empty() && std::all_of(reports.begin(), reports.end(), [](const RungReport& rung) {
    return rung.state == RungReport::State::failed;
  });
  const bool only_relays = job_.policy == job::IcePolicy::relay;
  const bool late = now >= reporter_.start() + diagnosis;
  if (!late && !(all_failed && only_relays)) return;
  diagnosed_ = true;
  report(verdict(), false);
}

Trouble Session::verdict() const {
  if (!marks_.link && link_trouble_) return *link_trouble_;
  const auto reports = gatherer_->reports();
  const bool relayed = std::any_of(reports.begin(), reports.end(),
                                   [](const RungReport& rung) { return rung.state == RungReport::State::relayed; });
  const auto telling = transport::most_telling(reports);
  if (!relayed && telling) return *telling;
  if (!marks_.link) return {Problem::sig_blocked, "signaling was not reached"};
  if (!marks_.described) return {Problem::ice_no_path, fmt::format("{} did not answer over signaling", job_.peer)};
  const auto& tally = agent_->tally();
  return {
      Problem::ice_no_path,
      fmt::format("no pair of candidates works: {} of the peer's known, {} checks sent, {} answered, {} received, {} "
                  "refused by the network, {} by the TURN server",
                  tally.remote_candidates, tally.checks_sent, tally.answers, tally.requests, tally.unreachable,
                  tally.not_permitted)};
}

}  // namespace crypelab::client::call
