#include "harness/judge/requirements.h"
#include "harness/wire/http_head.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

constexpr unsigned kMostShowings = 2;  // networks.md, S35

bool asks_for_tunnel(const ConnectNote& note) { return note.method == "CONNECT"; }

void look_at_targets(const Scene& scene, const Flow& flow, Breaches& breaches) {
  for (const auto& note : flow.connects) {
    if (!asks_for_tunnel(note)) continue;
    if (note.target.find('/') != std::string::npos) {
      breaches.add("P-02", note.at, "CONNECT " + note.target);
    } else if (!wire::parse_authority(note.target)) {
      breaches.add("P-01", note.at, "CONNECT " + note.target);
    }
    const auto authority = wire::parse_authority(note.target);
    const auto address = authority ? parse_address(authority->host) : Result<Address>(Complaint{});
    if (address && scene.is_turn_service({*address, authority->port}))
      breaches.add("P-22", note.at, "CONNECT " + note.target + " by address");
    if (!note.alpn) breaches.add("W-10", note.at, "CONNECT " + note.target + " without ALPN");
    if (note.scheme == "basic" && note.offered_before.find("Digest") != std::string::npos)
      breaches.add("P-07", note.at, "Basic where Digest is offered");
  }
  if (flow.after_refusal > 0 && !flow.connects.empty())
    breaches.add("P-05", flow.connects.back().at,
                 fmt::format("{} bytes followed the answer {} to CONNECT {}", flow.after_refusal,
                             flow.connects.back().status, flow.connects.back().target));
}

// Where somebody on the way signs anew, the client does not see the server's own certificate.
bool is_signed_anew(const Scene& scene, const std::string& client) {
  const auto* found = model::find_client(scene.scenario(), client);
  return found != nullptr && std::ranges::any_of(found->sites, [&](const std::string& name) {
           const auto* site = model::find_site(scene.scenario(), name);
           return site != nullptr && (site->tls_inspection || std::ranges::any_of(site->proxies, [](const auto& proxy) {
                                        return proxy.inspect.has_value();
                                      }));
         });
}

// Whose certificate cannot be good: the scenario says so.
bool is_to_be_refused(const Scene& scene, const std::string& client, const Flow& flow) {
  if (is_signed_anew(scene, client)) return false;
  const auto* who = flow.tunnel ? scene.owner_of_target(flow.tunnel_target()) : scene.owner(flow.far.address);
  if (who == nullptr || who->kind != Owner::Kind::turn) return false;
  const auto& server = who->host == "turn-a" ? scene.scenario().world.turn_a : scene.scenario().world.turn_b;
  return server.certificate != model::ServerCertificate::valid;
}

void look_at_tls(const Scene& scene, const ClientView& view, const Flow& flow, Breaches& breaches) {
  const auto target = flow.tunnel ? flow.tunnel_target() : scene.name_of(flow.far);
  const auto* who = flow.tunnel ? scene.owner_of_target(target) : scene.owner(flow.far.address);
  if (who == nullptr || who->kind != Owner::Kind::turn) return;
  if (flow.opening == Opening::stun && (target.starts_with("turns") || target.ends_with(":5349")))
    breaches.add("T-05", flow.began, "plain TURN to " + target);
  if (!flow.tls) return;
  if (flow.tls->hello && !flow.tls->hello->server_name)
    breaches.add("T-06", flow.tls->hello_at, "a ClientHello to " + target + " without a server name");
  // TLS 1.3 sends its Finished and an alert as application data, too: two records are no message.
  if (is_to_be_refused(scene, view.name, flow) && flow.tls->records_out > 2)
    breaches.add(
        "T-01", flow.tls->data_began.value_or(flow.began),
        fmt::format("{} sent {} records to {} behind its certificate", view.name, flow.tls->records_out, target));
}

}  // namespace

void look_at_proxy(const Scene& scene, const ClientView& view, Breaches& breaches) {
  std::map<std::string, unsigned> refused;  // in a row, by target
  for (const auto* flow : scene.flows_of(view.name)) {
    if (!flow->outgoing || !flow->tcp()) continue;
    look_at_targets(scene, *flow, breaches);
    look_at_tls(scene, view, *flow, breaches);
    for (const auto& note : flow->connects) {
      // NTLM and Negotiate answer in several steps: there a 407 refuses nothing yet.
      if (note.scheme != "basic" && note.scheme != "digest") continue;
      auto& count = refused[note.target];
      count = note.status == 407 ? count + 1 : 0;
      if (count > kMostShowings)
        breaches.add("P-24", note.at,
                     fmt::format("{} credentials refused {} times for {}", note.scheme, count, note.target));
    }
  }
}

}  // namespace crypelab::judge
