#include "harness/judge/requirements.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

constexpr std::array<Requirement, 32> kRequirements{{
    {"W-10", "RFC 8835 section 3.4", Level::should, "CONNECT carries an ALPN header"},
    {"P-01", "RFC 9110 section 9.3.6", Level::must, "the target of CONNECT has a port"},
    {"P-02", "RFC 9112 section 3.2.3", Level::must, "the target of CONNECT is host and port and nothing else"},
    {"P-05", "RFC 9110 section 9.3.6", Level::must, "after a refusal nothing follows that needs a tunnel"},
    {"P-07", "RFC 9110 section 11.4", Level::should, "the most secure scheme that is offered and understood is used"},
    {"P-22", "CRYPE", Level::must, "tunnels to relays are asked for by name"},
    {"P-24", "CRYPE", Level::must, "credentials that were refused are not shown a third time", true},
    {"T-01", "RFC 8489 section 6.2.3", Level::must, "nothing is sent to a server whose certificate is not good"},
    {"T-05", "RFC 8656 section 4.1", Level::must, "TLS is spoken where the URI wants TLS"},
    {"T-06", "RFC 6066 section 3", Level::info, "the ClientHello names the server"},
    {"S-01", "RFC 8489 section 6.2.1", Level::info, "requests over UDP are repeated after 500 ms, then ever later"},
    {"S-02", "RFC 8489 section 6.2.2", Level::should, "requests over TCP are not repeated"},
    {"S-08", "RFC 8489 section 6.3.4", Level::must, "requests that end in 5xx are not repeated for ever"},
    {"S-09", "RFC 8489 section 9.2.5", Level::must, "credentials that a server refused are not shown again", true},
    {"S-10", "RFC 8489 section 9.2.5", Level::must, "after 438 the new nonce is used"},
    {"U-01", "RFC 8656 section 7.1", Level::must, "Allocate has REQUESTED-TRANSPORT"},
    {"U-02", "RFC 8656 section 7.1", Level::must, "one kind of address family is asked for, not both"},
    {"U-05", "RFC 8656 section 7.3", Level::must, "an allocation is refreshed within the lifetime that was granted",
     true},
    {"U-09", "RFC 8656 section 7.4", Level::should, "after 437 another port is used"},
    {"U-11", "RFC 8656 section 7.4", Level::should, "after 486 a minute passes"},
    {"U-13", "RFC 8656 section 8", Level::must, "an allocation is refreshed before it expires", true},
    {"U-14", "CRYPE", Level::must, "an allocation is deleted by who leaves"},
    {"U-17", "RFC 8656 section 5", Level::must, "the user name stays the same for an allocation"},
    {"U-19", "RFC 8656 section 10.1", Level::must, "a permission names its peer"},
    {"U-22", "RFC 8656 section 12", Level::must, "channels have numbers from 0x4000 to 0x4FFF"},
    {"U-24", "RFC 8656 section 12.5", Level::must, "ChannelData on a stream is padded to four bytes"},
    {"I-08", "RFC 8445 section 7.1.1", Level::must, "checks carry PRIORITY and the role"},
    {"I-10", "RFC 8445 section 7.2.4", Level::must, "checks carry FINGERPRINT"},
    {"I-15", "RFC 8445 section 8.1.1", Level::must, "one pair is nominated, and no second one"},
    {"I-19", "RFC 8445 section 14.2", Level::should, "checks are paced"},
    {"I-23", "RFC 7675 section 5.1", Level::must, "30 s after the last answer nothing is sent any more", true},
    {"I-24", "RFC 7675 section 5.1", Level::must, "consent is asked for every five seconds, with a new transaction",
     true},
}};

}  // namespace

std::span<const Requirement> requirements() { return kRequirements; }

void Breaches::add(std::string_view id, Moment at, std::string reason) {
  if (std::ranges::find(verdicts_, id, &model::Verdict::check) != verdicts_.end()) return;
  const auto* rule = std::ranges::find(kRequirements, id, &Requirement::id);
  model::Verdict verdict;
  verdict.check = std::string(id);
  verdict.what = fmt::format("{} ({})", rule->what, rule->source);
  verdict.client = client_;
  verdict.outcome = rule->level == Level::must     ? model::Outcome::fail
                    : rule->level == Level::should ? model::Outcome::non_strict
                                                   : model::Outcome::pass;
  const bool open = rule->by_absence && !whole_;
  if (open) verdict.outcome = model::Outcome::inconclusive;
  verdict.reason = fmt::format("{}{}{} at {}", rule->level == Level::info ? "for information: " : "",
                               open ? "not all packets are whole: " : "", reason, in_words(at));
  verdicts_.push_back(std::move(verdict));
}

std::vector<model::Verdict> judge_requirements(const Scene& scene, const Connection& connection) {
  std::vector<model::Verdict> verdicts;
  for (const auto& view : connection.views) {
    Breaches breaches(view.name, scene.packets_are_whole());
    look_at_proxy(scene, view, breaches);
    look_at_turn(scene, view, breaches);
    look_at_ice(scene, view, breaches);
    for (auto& verdict : breaches.take()) verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace crypelab::judge
