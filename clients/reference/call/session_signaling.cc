// Offers, answers and candidates: how both sides come to know each other.
#include "clients/reference/call/session.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace crypelab::client::call {

using signaling::Message;
using signaling::Type;

namespace {

// The code by which a callee, which never offers, asks for a new offer with new ICE credentials.
constexpr std::string_view restart_wanted = "restart-wanted";

constexpr std::uint64_t slowest_pacing = 1'000;  // ms: a peer may slow the checks down, and not put them off for ever

// In SDP a TURN-TLS allocation is a relay like any other; its own priority tells what it runs over.
ice::RelayedOver over_of(const wire::IceCandidate& candidate) {
  if (candidate.type != wire::IceCandidate::Type::relay) return ice::RelayedOver::none;
  for (const auto over : {ice::RelayedOver::udp, ice::RelayedOver::tcp, ice::RelayedOver::tls}) {
    if (candidate.priority >> 24 == ice::type_preference(candidate.type, candidate.transport, over)) return over;
  }
  return ice::RelayedOver::none;
}

}  // namespace

void Session::post(Message message) {
  if (!link_->post(std::move(message))) finish(false, "signaling does not take what this client has to say");
}

void Session::link_open(std::string_view via, bool again) {
  reporter_.signaling(again ? "resumed" : "open", via);
  link_trouble_.reset();
  const auto now = Time::clock::now();
  if (!again) {
    marks_.link = now;
    if (now - reporter_.start() > 3s) gatherer_->gather_again();  // the network has only now let something through
    if (caller_) describe(Type::offer, now);
  }
  ask_credentials(now);
  stir();
}

void Session::link_lost(std::string_view via) { reporter_.signaling("lost", via); }

void Session::link_trouble(const transport::Trouble& trouble) {
  link_trouble_ = trouble;
  // A proxy that wants what this client has not got asks for it again each time.
  const bool last = !marks_.link && (trouble.code == transport::Problem::proxy_auth_required ||
                                     trouble.code == transport::Problem::proxy_auth_failed ||
                                     trouble.code == transport::Problem::proxy_auth_unsupported);
  report(trouble, last);
  if (last) finish(false, "the proxy does not let this client through to signaling");
}

void Session::tell_candidate(const wire::IceCandidate& candidate) {
  reporter_.candidate("local", candidate, over_of(candidate));
  local_candidates_.push_back(candidate);
  if (described_) {
    post({.type = Type::candidate, .candidate = wire::to_text(candidate), .sdp_mid = "0"});
  }
}

void Session::describe(Type type, Time now) {
  take_agent_events(now);  // candidates that are there already stand in the description
  wire::SdpDescription own;
  own.session_id = session_id_;
  own.session_version = ++session_version_;
  own.ice_ufrag = agent_->credentials().ufrag;
  own.ice_pwd = agent_->credentials().password;
  own.ice_pacing = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(agent_->pacing()).count());
  own.fingerprints = {certificate_.fingerprint()};
  own.setup = type == Type::offer ? wire::SdpSetup::actpass : setup_;
  own.max_message_size = 256 * 1'024;
  own.candidates = local_candidates_;
  own.end_of_candidates = candidates_ended_;
  if (type == Type::offer) ++open_offers_;
  described_ = true;
  post({.type = type, .sdp = wire::to_text(own)});
}

void Session::signaled(const Message& message) {
  if (ended_) return;
  const auto now = Time::clock::now();
  if (message.from.empty()) return take_refusal(message, now);
  if (message.from != job_.peer) return;
  switch (message.type) {
    case Type::offer:
      if (!caller_) take_offer(message, now);
      break;
    case Type::answer:
      if (caller_) take_answer(message, now);
      break;
    case Type::candidate:
      take_candidate(message, now);
      break;
    case Type::end_of_candidates:
      agent_->end_remote(now);
      break;
    case Type::bye:
      if (!leaving_) finish(connected_ && !caller_ && message.code.empty(), "the peer left");
      break;
    case Type::error:
      if (message.code == restart_wanted && caller_) {
        left_by_peer(now);
        restart("the peer wants another path", now);
      }
      break;
    case Type::ping:
    case Type::pong:
      break;
  }
  stir();
}

void Session::take_refusal(const Message& message, Time) {
  if (message.type != Type::error) return;
  report({transport::Problem::sig_blocked, "the signaling server refuses: " + message.code}, false);
}

void Session::take_candidate(const Message& message, Time now) {
  const auto candidate = wire::parse_candidate(message.candidate);
  if (!candidate) return;  // of a kind that this client does not know (RFC 8839 §5.1)
  if (agent_->add_remote(*candidate, now)) reporter_.candidate("remote", *candidate, ice::RelayedOver::none);
}

void Session::take_offer(const Message& message, Time now) {
  const auto remote = wire::parse_sdp(message.sdp);
  if (!remote) return post({.type = Type::error, .code = "bad-sdp"});
  const ice::Credentials peer{remote->ice_ufrag, remote->ice_pwd};
  if (remote_ && *remote_ != peer) {
    left_by_peer(now);
    described_ = false;
    local_candidates_.clear();
    candidates_ended_ = false;
    gatherer_->gather_again();
    agent_->restart(now);
    phases_.path_changed(Recovery::restart);
    last_restart_ = now;
  }
  setup_ = remote->setup == wire::SdpSetup::active ? wire::SdpSetup::passive : wire::SdpSetup::active;
  if (!take_description(*remote, now)) return post({.type = Type::error, .code = "bad-sdp"});
  describe(Type::answer, now);
}

void Session::take_answer(const Message& message, Time now) {
  if (open_offers_ == 0 || --open_offers_ > 0) return;  // of an offer that another one followed
  const auto remote = wire::parse_sdp(message.sdp);
  if (!remote || remote->setup == wire::SdpSetup::actpass) return post({.type = Type::error, .code = "bad-sdp"});
  setup_ = remote->setup == wire::SdpSetup::active ? wire::SdpSetup::passive : wire::SdpSetup::active;
  if (!take_description(*remote, now)) post({.type = Type::error, .code = "bad-sdp"});
}

bool Session::take_description(const wire::SdpDescription& remote, Time now) {
  const ice::Credentials peer{remote.ice_ufrag, remote.ice_pwd};
  const std::chrono::milliseconds pacing(std::min(remote.ice_pacing, slowest_pacing));
  if (!agent_->set_remote(peer, now, pacing)) return false;
  remote_ = peer;
  marks_.described = marks_.described.value_or(now);
  for (const auto& candidate : remote.candidates) {
    if (agent_->add_remote(candidate, now)) reporter_.candidate("remote", candidate, ice::RelayedOver::none);
  }
  if (remote.end_of_candidates) agent_->end_remote(now);
  // The association survives restarts of ICE; another certificate means another one (RFC 8842 §4).
  if (connection_ && peer_fingerprint_ == remote.fingerprints.front()) return true;
  peer_fingerprint_ = remote.fingerprints.front();
  const char* const key_log = std::getenv("SSLKEYLOGFILE");
  datachannel::Connection::Settings settings;
  settings.dtls = {
      .role = setup_ == wire::SdpSetup::active ? datachannel::Dtls::Role::active : datachannel::Dtls::Role::passive,
      .peer = remote.fingerprints,
      .first_timeout = 400ms,
      .key_log = key_log == nullptr ? "" : key_log};
  settings.sctp.remote_port = remote.sctp_port;
  control_channel_.reset();
  data_channels_.clear();
  data_deliveries_.clear();
  open_channels_.clear();
  datachannel::Connection::Output& out = *this;
  connection_.emplace(settings, certificate_, out);
  if (caller_) control_channel_ = connection_->open({.label = "crype-control"});
  return true;
}

void Session::request_restart(std::string_view why, Time now) {
  if (caller_) return restart(why, now);
  if (last_restart_ && now < *last_restart_ + 3s) return;
  last_restart_ = now;
  report({transport::Problem::ice_no_path, fmt::format("{}: asking the caller for a restart of ICE", why)}, false);
  gatherer_->gather_again();
  post({.type = Type::error, .code = std::string(restart_wanted)});
}

void Session::restart(std::string_view why, Time now) {
  if (!remote_ || (last_restart_ && now < *last_restart_ + 3s)) return;
  last_restart_ = now;
  report({transport::Problem::ice_no_path, fmt::format("{}: restarting ICE", why)}, false);
  described_ = false;
  local_candidates_.clear();
  candidates_ended_ = false;
  gatherer_->gather_again();
  agent_->restart(now);
  phases_.path_changed(Recovery::restart);
  describe(Type::offer, now);
}

}  // namespace crypelab::client::call
