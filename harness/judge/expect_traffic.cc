#include "harness/judge/expectations.h"
#include "harness/judge/matching.h"
#include "harness/model/describe.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::judge {
namespace {

using model::Outcome;
constexpr std::size_t kMostOffenders = 20;
constexpr std::size_t kMostSenders = 3;                 // of one offence
constexpr Moment kCrossing = std::chrono::seconds(20);  // the longest that an uplink delays a packet, twice

// Of a payload as much as is kept of every packet (evidence/packet_writer.h), behind the longest headers.
constexpr std::size_t kMarked = 64;

// What of a packet no translation of addresses changes: where it goes, how long it is, and how it begins.
using Mark = std::tuple<std::uint8_t, Endpoint, std::uint64_t>;

std::uint64_t hash_of(wire::Bytes bytes, std::uint64_t seed) {  // FNV-1a
  std::uint64_t hash = 14695981039346656037ULL ^ seed;
  for (const auto byte : bytes) hash = (hash ^ byte) * 1099511628211ULL;
  return hash;
}

// Who sent it: the user and the program, as the kernel of that host knew them.
std::string words_about(const model::Event& sender) {
  const auto* user = model::find_field(sender, "uid");
  if (user == nullptr) return "sent by the host itself, not by a program";
  const auto program = model::text_field(sender, "program");
  return fmt::format("uid {}, {}", number_field(sender, "uid"),
                     program.empty() ? "its program was gone when it was looked for" : program);
}

class Border {
 public:
  Border(const Scene& scene, const std::string& site)
      : scene_(scene), site_(*model::find_site(scene.scenario(), site)) {
    for (const auto& event : scene_.attempt().events) {
      if (event.source != model::Source::lab || event.kind != "sender") continue;
      const auto to = parse_endpoint(model::text_field(event, "to"));
      if (!to) continue;
      const auto protocol = model::text_field(event, "protocol") == "tcp" ? "TCP" : "UDP";
      auto& words = senders_[{event.where, protocol, Endpoint{scene_.plain(to->address), to->port}}];
      if (words.size() < kMostSenders) words.insert(words_about(event));
    }
  }

  bool watched() const {
    return std::ranges::any_of(scene_.attempt().interfaces,
                               [&](const auto& interface) { return is_border(interface); });
  }

  // What the site's clients sent that was not for the site itself, and crossed its border.
  std::vector<std::string> offenders() {
    for (const auto& packet : scene_.attempt().packets) {
      if (!packet.outgoing) continue;
      const auto& interface = scene_.attempt().interfaces[packet.interface];
      const bool lan = interface.kind == evidence::Interface::Kind::lan && interface.site == site_.name;
      if (!lan && !is_border(interface)) continue;
      const auto ip = wire::decode_frame(packet.bytes);
      if (!ip || is_local(ip->destination)) continue;
      if (lan && packet.at < scene_.began(interface.host)) continue;
      if (lan) {
        sent_[mark_of(*ip, packet)] = {packet.at, interface.host};
      } else {
        cross(*ip, packet);
      }
    }
    std::vector<std::string> texts;
    for (const auto& [whom, count] : found_) {
      if (texts.size() == kMostOffenders) {
        texts.push_back(fmt::format("and {} more", found_.size() - kMostOffenders));
        break;
      }
      const auto& [host, protocol, to] = whom;
      std::string by;
      if (const auto sender = senders_.find({host, protocol, count.to}); sender != senders_.end())
        by = fmt::format(", {}", fmt::join(sender->second, " and "));
      texts.push_back(fmt::format("{} to {} ({}), {} packets, first bytes {}{}", host, to, protocol, count.packets,
                                  count.first.empty() ? "none" : count.first, by));
    }
    return texts;
  }

 private:
  struct Count {
    std::uint64_t packets = 0;
    std::string first;
    Endpoint to;
  };

  bool is_border(const evidence::Interface& interface) const {
    return interface.kind == evidence::Interface::Kind::border && interface.site == site_.name;
  }

  bool is_local(const Address& address) const {
    const auto* who = scene_.owner(address);
    if (who != nullptr && who->site == site_.name) return true;
    if (address.is_v4()) {
      const auto host = address.v4_host_order();
      if (host >= 0xE0000000U || host >> 16U == 0xA9FEU) return true;  // multicast, broadcast, link-local
    } else if (address.bytes()[0] == 0xFF || (address.bytes()[0] == 0xFE && (address.bytes()[1] & 0xC0U) == 0x80)) {
      return true;
    }
    return (site_.subnet4 && site_.subnet4->contains(address)) || (site_.subnet6 && site_.subnet6->contains(address));
  }

  Mark mark_of(const wire::IpPacket& ip, const evidence::Packet& packet) const {
    std::uint64_t seed = (ip.payload.size() + packet.length - packet.bytes.size()) << 40U;
    if (const auto* tcp = ip.tcp())
      seed ^= static_cast<std::uint64_t>(tcp->sequence) << 8U | (tcp->syn ? 1U : 0U) | (tcp->fin ? 2U : 0U) |
              (tcp->rst ? 4U : 0U);
    const bool icmp = ip.protocol == wire::ip_protocol::icmp || ip.protocol == wire::ip_protocol::icmpv6;
    return {icmp ? wire::ip_protocol::icmp : ip.protocol,
            Endpoint{scene_.plain(ip.destination), ip.destination_endpoint().port},
            hash_of(ip.payload.first(std::min(ip.payload.size(), kMarked)), seed)};
  }

  void cross(const wire::IpPacket& ip, const evidence::Packet& packet) {
    std::string host;
    if (const auto* who = scene_.owner(ip.source); who != nullptr && who->kind == Owner::Kind::client) {
      host = who->host;  // routed: its own address is on it
      if (packet.at < scene_.began(host)) return;
    } else if (const auto found = sent_.find(mark_of(ip, packet));
               found != sent_.end() && packet.at - found->second.first < kCrossing) {
      host = found->second.second;
    } else {
      return;  // of the site's proxy, resolver or gateway
    }
    const char* protocol = ip.udp() != nullptr    ? "UDP"
                           : ip.tcp() != nullptr  ? "TCP"
                           : ip.icmp() != nullptr ? "ICMP"
                                                  : "IP";
    const auto to = ip.udp() != nullptr || ip.tcp() != nullptr ? crypelab::to_string(ip.destination_endpoint())
                                                               : crypelab::to_string(ip.destination);
    auto& count = found_[{host, protocol, to}];
    count.packets += 1;
    count.to = {scene_.plain(ip.destination), ip.destination_endpoint().port};
    if (!count.first.empty()) return;
    for (std::size_t i = 0; i < std::min<std::size_t>(ip.payload.size(), 8); ++i)
      count.first += fmt::format("{:02x}", ip.payload[i]);
  }

  const Scene& scene_;
  const model::Site& site_;
  std::map<std::tuple<std::string, std::string, Endpoint>, std::set<std::string>> senders_;  // by host, protocol, to
  std::map<Mark, std::pair<Moment, std::string>> sent_;
  std::map<std::tuple<std::string, std::string, std::string>, Count> found_;
};

std::vector<const Flow*> attempts(const Scene& scene, const std::string& site, const model::Match& match) {
  std::vector<const Flow*> found;
  for (const auto& flow : scene.flows()) {
    const auto& interface = scene.interface_of(flow);
    if (interface.kind != evidence::Interface::Kind::lan || interface.site != site || !flow.outgoing) continue;
    if (flow.began < scene.began(interface.host)) continue;
    const auto* far = scene.owner(flow.far.address);
    if (far != nullptr && far->site == site) continue;  // to the site's own servers
    if (covers(match, flow)) found.push_back(&flow);
  }
  return found;
}

}  // namespace

void judge_no_bypass(const Ground& ground, const model::ExpectNoBypass& expected, ExpectationVerdict& verdict) {
  Border border(ground.scene, expected.site);
  verdict.details = border.offenders();
  if (!verdict.details.empty()) {
    return settle(verdict, Outcome::fail, verdict.details.front() + " left " + expected.site);
  }
  if (blind(ground, verdict)) return;
  if (!border.watched()) {
    settle(verdict, Outcome::inconclusive, "nobody watched the border of " + expected.site);
  }
}

void judge_attempted(const Ground& ground, const model::ExpectAttempted& expected, ExpectationVerdict& verdict) {
  const auto found = attempts(ground.scene, expected.site, expected.match);
  if (!found.empty()) {
    const auto* flow = found.front();
    verdict.reason = fmt::format("{} to {} at {}", ground.scene.interface_of(*flow).host,
                                 ground.scene.name_of(flow->far), in_words(flow->began));
    return;
  }
  if (blind(ground, verdict)) return;
  verdict.lacks = true;
  settle(verdict, Outcome::fail,
         fmt::format("no client of {} sent {}", expected.site, model::describe(expected.match)));
}

void judge_unanswered(const Ground& ground, const model::ExpectUnanswered& expected, ExpectationVerdict& verdict) {
  const auto found = attempts(ground.scene, expected.site, expected.match);
  for (const auto* flow : found) {
    if (flow->packets_in == 0 && !flow->icmp) continue;
    return settle(verdict, Outcome::fail,
                  fmt::format("{} got an answer from {}{}", ground.scene.interface_of(*flow).host,
                              ground.scene.name_of(flow->far), flow->icmp ? ": " + flow->icmp->second : ""));
  }
  if (blind(ground, verdict)) return;
  if (found.empty()) {
    verdict.lacks = true;
    return settle(verdict, Outcome::fail,
                  fmt::format("no client of {} sent {}", expected.site, model::describe(expected.match)));
  }
  verdict.reason = fmt::format("{} attempts, nothing came back", found.size());
}

}  // namespace crypelab::judge
