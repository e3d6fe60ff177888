#include "harness/blueprint/declared.h"

#include "harness/blueprint/edge_boxes.h"
#include "harness/blueprint/egress_decision.h"
#include "harness/blueprint/egress_rules.h"
#include "harness/blueprint/far_side.h"
#include "harness/blueprint/proxy_question.h"
#include "harness/blueprint/site_plan.h"
#include "harness/model/describe.h"
#include "harness/model/world.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

using measure::Dependence;
using measure::Outcome;
using measure::Transport;
using namespace std::chrono_literals;

constexpr Duration kPatience = 1s;  // of a quick question: more than a few retransmissions
constexpr Duration kShort = 100ms;  // for what is declared to say nothing: a resolver, a gate

// 24 hexadecimal digits that are this question's alone (FNV-1a, twice).
std::string token_for(const std::string& client, const std::string& id) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto mix = [&](const std::string& text) {
    for (const char byte : text + "/") hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ull;
  };
  mix(client);
  mix(id);
  const auto first = hash;
  mix(id);
  return fmt::format("{:016x}{:08x}", first, static_cast<std::uint32_t>(hash >> 16));
}

Address embed(const Prefix& nat64, const Address& four) {  // RFC 6052 section 2.2
  auto bytes = nat64.network().bytes();
  std::size_t at = nat64.length / 8;
  for (unsigned i = 0; i < 4; ++i) {
    if (at == 8 && nat64.length != 96) ++at;
    bytes[at++] = four.bytes()[i];
  }
  return Address::v6(bytes);
}

// Everything that is asked of one client.
class ClientQuestions {
 public:
  ClientQuestions(const model::Scenario& scenario, const SitePlan& plan, const model::Client& client,
                  bool first_of_site, const DeclareOptions& options)
      : scenario_(scenario),
        plan_(plan),
        site_(*plan.site),
        client_(client),
        first_(first_of_site),
        options_(options) {}

  void quick() {
    for (const auto family : {Family::v4, Family::v6}) {
      if (!(family == Family::v4 ? site_.subnet4 : site_.subnet6)) continue;
      for (const auto transport : {Transport::udp, Transport::tcp}) {
        for (const auto port : reflector_ports(scenario_, transport)) {
          const Endpoint to{reflector_addresses(family).first, port};
          reach(transport, to, to);
        }
      }
    }
    if (site_.nat64) {
      const Endpoint four{reflector_addresses(Family::v4).first, kReflectorPort};
      const Endpoint six{embed(site_.nat64->prefix, four.address), kReflectorPort};
      for (const auto transport : {Transport::udp, Transport::tcp}) reach(transport, six, four);
    }
    if (has_both_ports(Family::v4)) behaviour();
    dns();
    proxies();
  }

  void full() {
    if (!first_) return;  // clients of one site would take each other's rate
    const auto family = site_.subnet4 ? Family::v4 : Family::v6;
    if (has_both_ports(family)) path(family);
    if (site_.dns.delay > kShort && site_.dns.answers == model::Answers::normal) {
      const auto expected = ExpectDns{{measure::DnsOutcome::addresses}, {}, {}, site_.dns.delay};
      add("DNS A, late", measure::Resolve{kReflectorName, measure::RecordType::a, {}}, expected, site_.dns.delay + 2s);
    }
    passages(family);
    if (family == Family::v4 && has_both_ports(family)) nat_details();
  }

  std::vector<Declaration> take() { return std::move(declarations_); }

 private:
  Declaration& add(std::string what, measure::Ask ask, Expected expected, Duration deadline) {
    measure::Question question{
        fmt::format("q{}", declarations_.size() + 1), deadline + slowness(), {}, {}, std::move(ask)};
    declarations_.push_back(
        {site_.name, client_.name, std::move(what), std::move(question), std::move(expected), {}, 0});
    return declarations_.back();
  }

  // What the declared uplink adds to every answer: a handshake and a question are two round trips, jitter goes to both
  // sides, and a TCP segment that is lost comes again after one second, then after two (RFC 6298 section 2).
  Duration slowness() const {
    const auto& up = site_.uplink.up;
    const auto& down = site_.uplink.down;
    const bool lossy = up.loss.index() != 0 || down.loss.index() != 0;
    return 2 * (up.delay + down.delay) + 4 * (up.jitter + down.jitter) + (lossy ? Duration(4s) : Duration(0));
  }

  void reach(Transport transport, const Endpoint& to, const Endpoint& decided_by) {
    const auto decision = decide(site_, transport, decided_by, kReflectorName);
    if (!decision.known) return;
    measure::Reach ask{};
    ask.transport = transport;
    ask.to = to;
    const auto what = fmt::format("{} {} to {}", measure::word(transport), to.port, to_string(to.address));
    reach(what, ask, decision);
    if (decision.rule == nullptr || !std::holds_alternative<model::FirstBytes>(decision.rule->action)) return;
    if (gates_.insert(decision.rule).second) openings(what, ask, decision);  // once for each gate
  }

  void reach(const std::string& what, measure::Reach ask, const EgressDecision& decision) {
    const auto expected = outcome(decision, ask);
    const bool waits = expected == Outcome::accepted;
    auto& declaration = add(what, ask, ExpectReach{{expected}}, waits ? kShort : kPatience);
    std::get<measure::Reach>(declaration.question.ask).token = token_for(client_.name, declaration.question.id);
    if (decision.rule != nullptr) declaration.line = decision.rule->line;
    if (expected == Outcome::silent) {
      declaration.counter =
          CounterName{plan_.edge, decision.held ? kPortalOut : egress_name(0, decision.index) + "_out"};
    }
  }

  // What the first bytes are judged by: a hello that is all right, one that lacks each thing that is asked for, HTTP.
  void openings(const std::string& what, measure::Reach ask, const EgressDecision& decision) {
    const auto& gate = std::get<model::FirstBytes>(decision.rule->action);
    ask.opening = measure::Opening::http;
    reach(what + ", HTTP", ask, decision);
    ask.opening = measure::Opening::tls;
    ask.server_name = gate.sni.empty() ? kReflectorName : gate.sni.front();
    if (ask.server_name.starts_with("*.")) ask.server_name.replace(0, 1, "any");
    if (!gate.alpn.empty()) ask.protocols = {gate.alpn.front()};
    reach(what + ", TLS", ask, decision);
    if (!gate.alpn.empty()) {
      auto other = ask;
      other.protocols = {"crypelab/1"};
      reach(what + ", TLS of another protocol", other, decision);
    }
    if (!gate.sni.empty()) {
      auto other = ask;
      other.server_name = "not-listed.test";
      reach(what + ", TLS to another name", other, decision);
    }
    if (gate.sni_required || !gate.sni.empty()) {
      ask.server_name.clear();
      reach(what + ", TLS without a name", ask, decision);
    }
  }

  // UDP to all four corners, and their answers, pass without a limit.
  bool has_both_ports(Family family) const {
    if (!(family == Family::v4 ? site_.subnet4 : site_.subnet6)) return false;
    const auto [one, two] = reflector_addresses(family);
    for (const auto& address : {one, two}) {
      for (const auto port : {kReflectorPort, kReflectorOtherPort}) {
        const auto decision = decide(site_, Transport::udp, {address, port}, kReflectorName);
        if (!decision.passes || !decision.known) return false;
        if (decision.rule != nullptr && !std::holds_alternative<model::Allow>(decision.rule->action)) return false;
      }
    }
    return true;
  }

  static Dependence dependence(model::Dependence value) { return static_cast<Dependence>(static_cast<int>(value)); }

  std::vector<model::Nat> nats() const {
    std::vector<model::Nat> nats;
    if (site_.nat) nats.push_back(*site_.nat);
    if (site_.carrier) nats.push_back(*site_.carrier);
    return nats;
  }

  void behaviour() {
    const auto [one, two] = reflector_addresses(Family::v4);
    const Endpoint server{one, kReflectorPort};
    const Endpoint other{two, kReflectorOtherPort};
    ExpectMapping mapping;
    ExpectFiltering filtering;
    const auto boxes = nats();
    if (!boxes.empty()) {
      mapping.nat = true;
      mapping.external = plan_.public4.address;
      // Behind two NATs the stricter one shows; how the outer one chooses ports is seen if the inner one keeps them.
      for (const auto& nat : boxes) {
        mapping.mapping = std::max(mapping.mapping, dependence(nat.mapping));
        filtering.filtering = std::max(filtering.filtering, dependence(nat.filtering));
      }
      const auto keeps = [](const model::Nat& nat) { return nat.ports == model::PortAssignment::preserve; };
      const auto& last = boxes.back();
      // A port that depends on the destination cannot be kept for two of them.
      if (last.mapping != model::Dependence::address_and_port || !keeps(last)) {
        mapping.ports = last.ports == model::PortAssignment::random       ? measure::PortChoice::random
                        : last.ports == model::PortAssignment::sequential ? measure::PortChoice::sequential
                                                                          : measure::PortChoice::preserved;
        if (keeps(last) && !std::ranges::all_of(boxes, keeps)) mapping.ports.reset();
      }
    }
    add("NAT mapping", measure::Mapping{Transport::udp, server, other}, mapping, kPatience);
    if (mapping.nat) add("NAT filtering", measure::Filtering{server, other}, filtering, kPatience);
  }

  void dns() {
    if (site_.portal && site_.portal->dns_hijacked) return;
    const auto& records = model::find_world_name(kReflectorName)->addresses;
    const auto& dns = site_.dns;
    const bool late = dns.delay > kShort;
    for (const auto type : {measure::RecordType::a, measure::RecordType::aaaa}) {
      const bool six = type == measure::RecordType::aaaa;
      ExpectDns expected{{measure::DnsOutcome::addresses}, {}, {}, dns.delay};
      for (const auto& address : records) {
        if (address.is_v6() == six) expected.addresses.push_back(address);
      }
      if (dns.answers == model::Answers::servfail) expected.any_of = {measure::DnsOutcome::servfail};
      if (dns.answers == model::Answers::internal_only) {
        expected.any_of = {measure::DnsOutcome::nxdomain, measure::DnsOutcome::refused};
      }
      if (six && dns.answers != model::Answers::servfail && dns.aaaa != model::Aaaa::normal) {
        constexpr std::array words{measure::DnsOutcome::addresses, measure::DnsOutcome::servfail,
                                   measure::DnsOutcome::silent, measure::DnsOutcome::nxdomain};
        expected.any_of = {words.at(static_cast<std::size_t>(dns.aaaa))};
      }
      if (late) expected.any_of = {measure::DnsOutcome::silent};
      if (expected.any_of.front() != measure::DnsOutcome::addresses) expected.addresses.clear();
      const bool silent = expected.any_of.front() == measure::DnsOutcome::silent;
      if (silent) expected.delay = Duration(0);
      add(fmt::format("DNS {} of {}", six ? "AAAA" : "A", kReflectorName), measure::Resolve{kReflectorName, type, {}},
          expected, silent ? kShort : kPatience);
    }
    if (site_.nat64 && site_.nat64->dns64 && dns.answers == model::Answers::normal && dns.aaaa == model::Aaaa::normal &&
        !late) {
      add("DNS64", measure::Resolve{"ipv4only.arpa", measure::RecordType::aaaa, {}},
          ExpectDns{{measure::DnsOutcome::addresses}, {}, site_.nat64->prefix, dns.delay}, kPatience);
    }
  }

  void proxies() {
    for (const auto& asked : proxy_questions(plan_)) {
      add("proxy " + asked.name, asked.ask, ExpectChallenge{asked.status, asked.schemes}, kPatience);
    }
  }

  static double share_of(const model::Loss& loss) {
    if (const auto* random = std::get_if<model::RandomLoss>(&loss)) return random->share.parts_per_million / 1e6;
    if (const auto* burst = std::get_if<model::BurstLoss>(&loss)) return burst->share.parts_per_million / 1e6;
    return 0;
  }

  // One after another: each would disturb the next.
  Declaration& add_after(std::string what, measure::Ask ask, Expected expected, Duration deadline) {
    auto& declaration = add(std::move(what), std::move(ask), std::move(expected), deadline);
    if (!last_.empty()) declaration.question.after.push_back(last_);
    last_ = declaration.question.id;
    return declaration;
  }

  void path(Family family) {
    const Endpoint to{reflector_addresses(family).first, kReflectorPort};
    const auto& [up, down, mtu, too_big] = site_.uplink;
    // As many packets as show the share, at no more than a quarter of the slower rate.
    const double share = std::max(share_of(up.loss), share_of(down.loss));
    const auto count = share > 0 ? static_cast<std::uint32_t>(std::clamp(40 / share, 400.0, 4000.0)) : 400u;
    std::uint64_t slowest = UINT64_MAX;
    for (const auto& way : {up, down}) slowest = std::min(slowest, way.rate ? way.rate->bits_per_second : UINT64_MAX);
    const auto size = 100u;
    const auto fitting =
        slowest == UINT64_MAX ? 0 : (size + 48) * 8ull * 4 * 1'000'000 / std::max<std::uint64_t>(slowest, 1);
    const Duration interval = std::max<Duration>(1ms, Duration(fitting));
    const Duration round_trip = up.delay + down.delay + up.jitter + down.jitter;
    add_after("loss, delay, order", measure::Train{to, count, size, interval}, ExpectTrain{up, down},
              interval * count + 20 * round_trip + 5s);
    for (const auto way : {measure::Way::up, measure::Way::down}) {
      add_after(fmt::format("path MTU {}", measure::word(way)), measure::PathMtu{way, to, 1500},
                ExpectMtu{mtu, too_big}, 60 * round_trip + 8s);
    }
    for (const auto way : {measure::Way::up, measure::Way::down}) {
      const auto& direction = way == measure::Way::up ? up : down;
      if (!direction.rate) continue;
      const BitRate offered{direction.rate->bits_per_second + direction.rate->bits_per_second / 2};
      add_after(fmt::format("rate {}", measure::word(way)), measure::Rate{Transport::udp, way, to, offered, 1s},
                ExpectRate{*direction.rate}, 20 * round_trip + 6s);
    }
  }

  void passages(Family family) {
    const auto address = reflector_addresses(family).first;
    if (!site_.egress) return;
    for (const auto transport : {Transport::udp, Transport::tcp}) {
      std::set<std::size_t> asked;
      for (const auto port : reflector_ports(scenario_, transport)) {
        const auto decision = decide(site_, transport, {address, port}, kReflectorName);
        if (decision.rule == nullptr || !decision.known || !asked.insert(decision.index).second) continue;
        const auto* limit = std::get_if<model::AcceptThenDrop>(&decision.rule->action);
        if (limit == nullptr) continue;
        measure::Passage ask{transport, {address, port}, {}, {}, 5ms, {}};
        ask.bytes = {limit->bytes ? 2 * limit->bytes->bytes + 20'000 : 100'000'000};
        ask.time = limit->time ? 2 * *limit->time + 1s : 60s;
        ask.patience = 500ms + 4 * (site_.uplink.up.delay + site_.uplink.down.delay);
        auto& declaration = add_after(fmt::format("{} {} falls silent", measure::word(transport), port), ask,
                                      ExpectPassage{limit->bytes, limit->time}, ask.time + ask.patience + 2s);
        declaration.line = decision.rule->line;
      }
    }
  }

  void nat_details() {
    if (nats().empty()) return;
    const Endpoint server{reflector_addresses(Family::v4).first, kReflectorPort};
    const auto& nat = *site_.nat;
    const bool hidden =
        nat.mapping == model::Dependence::address_and_port && nat.filtering == model::Dependence::address_and_port;
    if (!site_.carrier && !(hidden && nat.hairpin)) {
      add_after("NAT hairpin", measure::Hairpin{server}, ExpectHairpin{nat.hairpin}, 3s);
    }
    Duration timer = nat.udp_timer;
    if (site_.carrier) timer = std::min(timer, site_.carrier->udp_timer);
    const Duration maximum = std::min(timer + timer / 2, options_.longest_timer);
    if (nat.rebind || (site_.carrier && site_.carrier->rebind)) return;  // mappings do not live as long as the timer
    add_after("NAT UDP timer", measure::Lifetime{server, maximum, 12}, ExpectLifetime{timer, maximum}, maximum + 10s);
  }

  const model::Scenario& scenario_;
  const SitePlan& plan_;
  const model::Site& site_;
  const model::Client& client_;
  bool first_;
  DeclareOptions options_;
  std::vector<Declaration> declarations_;
  std::string last_;
  std::set<const model::EgressRule*> gates_;  // those whose openings have been asked about
};

}  // namespace

std::vector<Declaration> declare(const model::Scenario& scenario, Form form, const DeclareOptions& options) {
  std::vector<Declaration> all;
  std::set<std::string> sites;
  const auto plans = plan_sites(scenario);
  for (const auto& client : scenario.clients) {
    const auto plan = std::ranges::find(plans, client.sites.front(), [](const auto& one) { return one.site->name; });
    ClientQuestions questions(scenario, *plan, client, sites.insert(plan->site->name).second, options);
    questions.quick();
    if (form == Form::full) questions.full();
    for (auto& declaration : questions.take()) all.push_back(std::move(declaration));
  }
  return all;
}

std::vector<std::string> reflector_arguments(const model::Scenario& scenario) {
  std::vector<std::string> words{"reflect"};
  for (const auto& address : model::world_host("reflector").addresses) {
    words.insert(words.end(), {"--address", to_string(address)});
  }
  for (const auto port : reflector_ports(scenario, Transport::udp)) {
    words.insert(words.end(), {"--udp", std::to_string(port)});
  }
  for (const auto port : reflector_ports(scenario, Transport::tcp)) {
    words.insert(words.end(), {"--tcp", std::to_string(port)});
  }
  words.emplace_back("--log");
  return words;
}

}  // namespace crypelab::blueprint
