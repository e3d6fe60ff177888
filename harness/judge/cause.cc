#include "harness/judge/cause.h"

#include "harness/evidence/allocations.h"
#include "harness/judge/matching.h"
#include "harness/model/describe.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using wire::StunClass;
using wire::StunMethod;

// RFC 8446 section 6.2.
std::string alert_name(unsigned code) {
  switch (code) {
    case 40:
      return "handshake_failure";
    case 42:
      return "bad_certificate";
    case 43:
      return "unsupported_certificate";
    case 44:
      return "certificate_revoked";
    case 45:
      return "certificate_expired";
    case 46:
      return "certificate_unknown";
    case 48:
      return "unknown_ca";
    case 70:
      return "protocol_version";
    case 112:
      return "unrecognized_name";
    default:
      return fmt::format("alert {}", code);
  }
}

std::string by_rule(const Scene& scene, const std::string& site, const Flow& flow) {
  const auto ruling = ruling_of(scene, site, flow);
  if (!ruling || ruling->allows) return "";
  return ruling->packets >= 0 ? fmt::format("{}, {} packets", ruling->text, ruling->packets) : ruling->text;
}

std::string gate_words(const Scene& scene, const Flow& flow) {
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::gate || event.kind != "decision") continue;
    const auto verdict = model::text_field(event, "verdict");
    if (verdict == "pass" || verdict == "none" || event.at < flow.began) continue;
    if (model::text_field(event, "server") != crypelab::to_string(flow.far)) continue;
    const auto sni = model::text_field(event, "sni");
    return fmt::format("the gate at {} met it with {}: {}{}", model::text_field(event, "rule"), verdict,
                       model::text_field(event, "reason"), sni.empty() ? "" : fmt::format(" (SNI {})", sni));
  }
  return "";
}

std::string of_proxy(const Scene& scene, const Flow& flow) {
  const auto& last = flow.connects.back();
  const auto proxy = scene.name_of(flow.far);
  if (last.status == 0) return fmt::format("{} never answered {} {}", proxy, last.method, last.target);
  if (last.status == 407) {
    const auto with = last.scheme.empty() ? std::string("without credentials") : "with " + last.scheme + " credentials";
    return fmt::format("{} answered 407 to {} {} {} (it offers {})", proxy, last.method, last.target, with,
                       last.offered.empty() ? "nothing" : last.offered);
  }
  if (last.status >= 300) return fmt::format("{} answered {} to {} {}", proxy, last.status, last.method, last.target);
  return "";
}

std::string of_tls(const Flow& flow) {
  const auto& tls = *flow.tls;
  if (tls.alert_out) return fmt::format("the client refused the certificate ({})", alert_name(*tls.alert_out));
  if (tls.alert_in) return fmt::format("the server refused TLS ({})", alert_name(*tls.alert_in));
  if (!tls.server_hello) return "no ServerHello came";
  const bool gone = flow.fin_out || flow.reset_out;
  if (tls.records_out <= 2 && gone) return "the client closed as soon as it had seen the certificate";
  return "";
}

// The last answer of the relay that is an error and was not overcome.
std::string of_turn(const Flow& flow) {
  const StunNote* error = nullptr;
  bool asked = false;
  bool answered = false;
  for (const auto& note : flow.stun) {
    if (note.nested) continue;
    asked = asked || (note.outgoing && note.message_class == StunClass::request);
    if (note.outgoing) continue;
    answered = true;
    if (note.is(StunMethod::allocate, StunClass::success)) return "";
    if (note.is(StunMethod::allocate, StunClass::error)) error = &note;
  }
  if (error != nullptr) return fmt::format("the relay answered {} to Allocate", error->error);
  if (asked && !answered) return "the relay answered nothing";
  return "";
}

std::string of_turn_log(const Scene& scene, const std::string& client, const Flow& flow) {
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::turn || event.kind != "request" || event.at < flow.began) continue;
    const auto error = number_field(event, "error");
    if (error == 0 || error == 401 || error == 438) continue;
    if (evidence::client_of_user(model::text_field(event, "user")) != client) continue;
    return fmt::format("{} answered {} to {}", event.where, error, model::text_field(event, "method"));
  }
  return "";
}

bool allocated(const Scene& scene, const std::string& client, const Flow& flow) {
  for (const auto& note : flow.stun) {
    if (!note.outgoing && note.is(StunMethod::allocate, StunClass::success)) return true;
  }
  if (flow.opening != Opening::tls) return false;
  for (const auto& session : scene.allocations()) {
    if (session.client == client && session.allocated >= flow.began && session.allocated <= flow.ended && session.tls)
      return true;
  }
  return false;
}

}  // namespace

std::string cause_of_flow(const Scene& scene, const std::string& client, const Flow& flow) {
  const auto* who = model::find_client(scene.scenario(), client);
  const std::string site = who == nullptr || who->sites.empty() ? "" : who->sites.front();
  const auto far = scene.name_of(flow.far);
  const bool answered = flow.packets_in > 0;
  if (flow.icmp && (!answered || (flow.tcp() && !flow.established))) {
    const auto rule = by_rule(scene, site, flow);
    return fmt::format("{}: {}{}", far, flow.icmp->second, rule.empty() ? "" : " (" + rule + ")");
  }
  if (flow.tcp() && !flow.established) {
    const auto rule = by_rule(scene, site, flow);
    if (flow.reset_in) return fmt::format("{}: refused by a reset{}", far, rule.empty() ? "" : " (" + rule + ")");
    return fmt::format("{}: no answer to {} SYNs in {}{}", far, flow.packets_out, in_words(flow.ended - flow.began),
                       rule.empty() ? "" : " (" + rule + ")");
  }
  if (!flow.tcp() && !answered) {
    const auto rule = by_rule(scene, site, flow);
    return fmt::format("{}: no answer to {} datagrams in {}{}", far, flow.packets_out,
                       in_words(flow.ended - flow.began), rule.empty() ? "" : " (" + rule + ")");
  }
  if (!flow.connects.empty()) {
    if (auto words = of_proxy(scene, flow); !words.empty()) return words;
  }
  const auto target = flow.tunnel ? flow.tunnel_target() : far;
  if (const auto gate = gate_words(scene, flow); !gate.empty()) return target + ": " + gate;
  if (flow.tls) {
    if (auto words = of_tls(flow); !words.empty()) {
      if (flow.reset_in && !flow.tls->server_hello) words = "reset after the ClientHello";
      return target + ": " + words;
    }
    if (const auto words = of_turn_log(scene, client, flow); !words.empty() && !allocated(scene, client, flow))
      return words;
  }
  if (const auto words = of_turn(flow); !words.empty()) {
    if (flow.reset_in && words == "the relay answered nothing")
      return fmt::format("{}: reset after the first bytes ({})", target, flow.first_bytes);
    return target + ": " + words;
  }
  if (flow.reset_in) return fmt::format("{}: reset {} after it began", target, in_words(*flow.reset_in - flow.began));
  return "";
}

std::vector<model::Rung> rungs_of(const Scene& scene, const ClientView& view) {
  std::vector<model::Rung> rungs;
  const auto carries = [&](const Flow* flow) {
    return std::ranges::any_of(view.carriers,
                               [&](const auto& carrier) { return carrier.flow == flow && carrier.both_ways(); });
  };
  // One for each name and target: of several attempts the best one speaks.
  const auto put = [&](model::Rung rung) {
    for (auto& there : rungs) {
      if (there.name != rung.name || there.target != rung.target) continue;
      const auto began = std::min(there.began.value_or(*rung.began), *rung.began);
      if (rung.state <= there.state) there = std::move(rung);
      there.began = began;
      return;
    }
    rungs.push_back(std::move(rung));
  };
  for (const auto* flow : scene.flows_of(view.name)) {
    if (!flow->outgoing || (flow->far.port == 53 && !flow->tcp())) continue;
    model::Rung rung{.state = model::Rung::State::failed, .began = flow->began, .ended = flow->ended};
    const auto* far = scene.owner(flow->far.address);
    const bool at_proxy = far != nullptr && far->kind == Owner::Kind::server;
    rung.target = !flow->connects.empty() ? flow->connects.back().target : scene.name_of(flow->far);
    const auto* who = !flow->connects.empty() ? scene.owner_of_target(rung.target) : far;
    if (who != nullptr && who->kind == Owner::Kind::signal) {
      rung.name = at_proxy ? "signaling+px" : "signaling";
      if (flow->tls && flow->tls->records_in > 2) rung.state = model::Rung::State::open;
    } else if (const auto path = path_of_flow(scene, view.name, *flow)) {
      rung.name = model::describe(*path);
      if (path->path == model::PathClass::direct || path->path == model::PathClass::srflx) {
        rung.target = path->by;
        const bool checked = std::ranges::any_of(flow->stun, [](const auto& note) {
          return !note.outgoing && !note.nested && note.is(StunMethod::binding, StunClass::success);
        });
        if (checked) rung.state = model::Rung::State::open;
      } else if (allocated(scene, view.name, *flow)) {
        rung.state = model::Rung::State::open;
      }
    } else if (who != nullptr && who->kind == Owner::Kind::turn) {
      const bool tls_port = rung.target.starts_with("turns") || flow->far.port == 5349;
      rung.name = !flow->tcp() ? "stun" : tls_port ? "relay-tls" : "relay-tcp";
      if (at_proxy) rung.name += "+px";
      if (!flow->tcp() && flow->packets_in > 0) rung.state = model::Rung::State::open;
    } else if (at_proxy) {
      rung.name = "proxy";
      if (flow->tunnel) continue;  // to something that is no rung
    } else {
      continue;
    }
    if (carries(flow)) rung.state = model::Rung::State::carried;
    if (rung.state == model::Rung::State::failed) {
      rung.cause = cause_of_flow(scene, view.name, *flow);
      if (rung.cause.empty()) rung.cause = "it came to nothing, and the packets do not show why";
    }
    put(std::move(rung));
  }
  const auto* client = model::find_client(scene.scenario(), view.name);
  for (const auto transport : client == nullptr ? std::vector<model::RelayTransport>{} : client->job.turn) {
    const auto name = transport == model::RelayTransport::udp   ? model::PathClass::relay_udp
                      : transport == model::RelayTransport::tcp ? model::PathClass::relay_tcp
                                                                : model::PathClass::relay_tls;
    const auto word = model::describe(name);
    if (std::ranges::any_of(rungs, [&](const auto& rung) { return rung.name.starts_with(word); })) continue;
    rungs.push_back({.state = model::Rung::State::not_tried, .name = word, .cause = "no packet of it was sent"});
  }
  return rungs;
}

std::string cause_of(const Scene& scene, const std::vector<model::Verdict>& verdicts,
                     const std::vector<model::ClientResult>& clients) {
  const auto worst = model::outcome_of(verdicts);
  const model::Verdict* first = nullptr;
  for (const auto& verdict : verdicts) {
    if (verdict.outcome == worst && first == nullptr) first = &verdict;
  }
  if (worst == model::Outcome::pass || first == nullptr) return "";
  std::string text =
      (first->client.empty() || first->reason.starts_with(first->client) ? "" : first->client + ": ") + first->reason;
  const bool asks_for_a_cause = first->check == "connected" ||
                                (first->check == "path" && worst >= model::Outcome::wrong_path) ||
                                first->check == "stays-connected";
  if (!asks_for_a_cause) return text;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::lab || event.kind != "client-ended") continue;
    if (const auto why = model::text_field(event, "not-started"); !why.empty())
      return fmt::format("{} did not start: {}", event.where, why);
    if (number_field(event, "signal") != 0)
      return fmt::format("{} crashed: signal {}", event.where, number_field(event, "signal"));
  }
  std::vector<std::string> causes;
  for (const auto& client : clients) {
    for (const auto& rung : client.rungs) {
      if (rung.state != model::Rung::State::failed || rung.cause.empty()) continue;
      const auto line = fmt::format("{} {}: {}", client.name, rung.name, rung.cause);
      if (std::ranges::find(causes, line) == causes.end()) causes.push_back(line);
    }
  }
  constexpr std::size_t kMost = 3;
  for (std::size_t i = 0; i < std::min(kMost, causes.size()); ++i) text += "; " + causes[i];
  if (causes.size() > kMost) text += fmt::format("; and {} more", causes.size() - kMost);
  return text;
}

}  // namespace crypelab::judge
