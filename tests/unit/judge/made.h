#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/evidence/attempt.h"
#include "harness/judge/judge.h"
#include "harness/model/world.h"
#include "harness/wire/packet.h"
#include "harness/wire/stun_writer.h"
#include "harness/wire/turn_frame.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

// Evidence made by hand, of real packets: alice in `office` (10.20.0.0/24, behind a NAT), bob in `home`
// (198.18.0.0/15, open), their words, the logs of servers.
namespace crypelab::judge::made {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Bytes = std::vector<std::uint8_t>;
using model::Moment;

inline Moment ms(std::int64_t value) { return milliseconds(value); }

inline model::Scenario two_sites() {
  model::Scenario scenario;
  scenario.name = "test/made";
  scenario.title = "Made by hand";
  model::Site office{.name = "office"};
  office.subnet4 = *parse_prefix("10.20.0.0/24");
  office.nat.emplace();
  model::Site home{.name = "home"};
  scenario.sites = {office, home};
  scenario.clients = {{.name = "alice", .sites = {"office"}}, {.name = "bob", .sites = {"home"}}};
  return scenario;
}

inline Endpoint at_port(const Address& address, std::uint16_t port) { return {address, port}; }

inline Endpoint world(const std::string& name, std::uint16_t port) {
  return {model::find_world_name(name)->addresses.front(), port};
}

// RFC 6347: a record of application data with `size` bytes in it.
inline Bytes dtls_data(std::size_t size = 60) {
  Bytes record(13 + size, 0x5a);
  const std::array<std::uint8_t, 11> head{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 7};
  std::copy(head.begin(), head.end(), record.begin());
  record[11] = static_cast<std::uint8_t>(size >> 8U);
  record[12] = static_cast<std::uint8_t>(size);
  return record;
}

struct Stun {
  wire::StunClass message_class = wire::StunClass::request;
  wire::StunMethod method = wire::StunMethod::binding;
  std::uint8_t id = 1;
  std::string username = {};
  std::string nonce = {};
  std::optional<Endpoint> mapped = {};
  std::optional<Endpoint> relayed = {};
  std::optional<Endpoint> peer = {};
  std::optional<std::uint32_t> lifetime = {};
  std::optional<std::uint16_t> channel = {};
  unsigned error = 0;
  bool ice = false;  // PRIORITY and role
  bool use_candidate = false;
  bool transport = false;
  bool integrity = false;
  bool fingerprint = false;
  bool both_families = false;
  Bytes data = {};
};

inline Bytes stun(const Stun& what) {
  Bytes buffer(4096);
  wire::TransactionId id{};
  id[0] = what.id;
  wire::StunWriter writer(buffer, what.message_class, what.method, id);
  using wire::StunAttribute;
  if (!what.username.empty()) writer.add_text(StunAttribute::username, what.username);
  if (!what.nonce.empty()) writer.add_text(StunAttribute::nonce, what.nonce);
  if (what.mapped) writer.add_address(StunAttribute::xor_mapped_address, *what.mapped);
  if (what.relayed) writer.add_address(StunAttribute::xor_relayed_address, *what.relayed);
  if (what.peer) writer.add_address(StunAttribute::xor_peer_address, *what.peer);
  if (what.lifetime) writer.add_u32(StunAttribute::lifetime, *what.lifetime);
  if (what.channel) writer.add_channel(*what.channel);
  if (what.error != 0) writer.add_error(what.error, "no");
  if (what.ice) writer.add_u32(StunAttribute::priority, 99).add_u64(StunAttribute::ice_controlling, 7);
  if (what.use_candidate) writer.add(StunAttribute::use_candidate);
  if (what.transport) writer.add_transport(17);
  if (!what.data.empty()) writer.add(StunAttribute::data, what.data);
  if (what.both_families) {
    writer.add_family(StunAttribute::requested_address_family, Family::v4);
    writer.add_family(StunAttribute::additional_address_family, Family::v6);
  }
  const Bytes key{1, 2, 3};
  if (what.integrity) writer.add_integrity(key);
  if (what.fingerprint) writer.add_fingerprint();
  const auto whole = writer.bytes();
  return {whole.begin(), whole.end()};
}

// RFC 5246: one record of `size` bytes of that type; what is inside begins with `first`.
inline Bytes tls_record(std::uint8_t type, std::size_t size, std::uint8_t first = 0) {
  Bytes record(5 + size, 0x11);
  record[0] = type;
  record[1] = 3;
  record[2] = 3;
  record[3] = static_cast<std::uint8_t>(size >> 8U);
  record[4] = static_cast<std::uint8_t>(size);
  if (size > 0) record[5] = first;
  return record;
}

// A ClientHello that asks for `name`; empty: for none.
Bytes client_hello(const std::string& name);

inline Bytes text(std::string_view words) { return {words.begin(), words.end()}; }

class Evidence {
 public:
  explicit Evidence(model::Scenario what = two_sites()) : scenario(std::move(what)), plan_(blueprint::draw(scenario)) {
    for (const auto& client : scenario.clients) {
      add_interface(client.name + ".eth0", evidence::Interface::Kind::lan, client.name, client.sites.front());
      attempt.parties.push_back({.client = client.name, .driver = "made", .proof = "word-of-" + client.name});
    }
    for (const auto& site : scenario.sites) {
      add_interface(site.name + ".border", evidence::Interface::Kind::border, site.name + ".edge", site.name);
      for (const auto& proxy : site.proxies)
        add_interface(site.name + "." + proxy.name + ".eth0", evidence::Interface::Kind::server,
                      site.name + "." + proxy.name, site.name);
    }
    attempt.scenario = scenario.name;
    attempt.captured = true;
    attempt.complete = true;
  }

  // The first IPv4 address of a host of the lab.
  Address address(const std::string& host) const {
    for (const auto& interface : blueprint::find_host(plan_, host)->interfaces) {
      for (const auto& prefix : interface.addresses) {
        if (prefix.address.is_v4()) return prefix.address;
      }
    }
    return {};
  }
  // What the outside sees of alice.
  Address public_address() const { return model::site_public_v4(0); }

  void event(Moment at, model::Source source, std::string where, std::string kind,
             std::vector<std::pair<std::string, model::Value>> fields = {}) {
    events_.push_back({at, source, std::move(where), std::move(kind), std::move(fields)});
  }
  void client(Moment at, const std::string& who, std::string kind,
              std::vector<std::pair<std::string, model::Value>> fields = {}) {
    event(at, model::Source::client, who, std::move(kind), std::move(fields));
  }

  void packet(Moment at, const std::string& interface, bool outgoing, const Bytes& ip) {
    const wire::MacAddress mac{2, 0, 0, 0, 0, 1};
    frames_.push_back({at, interfaces_.at(interface), outgoing, wire::build_ethernet(mac, mac, ip)});
  }
  void udp(Moment at, const std::string& interface, bool outgoing, const Endpoint& near, const Endpoint& far,
           const Bytes& payload) {
    packet(at, interface, outgoing,
           outgoing ? wire::build_udp(near, far, payload) : wire::build_udp(far, near, payload));
  }

  // Both say hello; both quote the other's word at `at`.
  void hellos(Moment at = ms(100)) {
    for (const auto* who : {"alice", "bob"})
      client(at, who, "hello", {{"name", std::string("made")}, {"version", std::string("1")}});
  }
  void words(Moment at) {
    client(at, "alice", "connected", {{"peer_proof", std::string("word-of-bob")}});
    client(at, "bob", "connected", {{"peer_proof", std::string("word-of-alice")}});
  }
  void ends(Moment at) {
    for (const auto* who : {"alice", "bob"})
      event(at, model::Source::lab, who, "client-ended", {{"exit", std::int64_t{0}}});
  }

  // From then on of each packet only the beginning is kept.
  void cut_from(Moment at) { cut_ = at; }

  evidence::Attempt finish() {
    std::stable_sort(frames_.begin(), frames_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    std::stable_sort(events_.begin(), events_.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    Bytes all;
    for (const auto& frame : frames_) all.insert(all.end(), frame.bytes.begin(), frame.bytes.end());
    attempt.capture = evidence::Memory(std::move(all));
    std::size_t offset = 0;
    for (const auto& frame : frames_) {
      const auto kept = frame.at >= cut_ ? std::min<std::size_t>(frame.bytes.size(), 192) : frame.bytes.size();
      attempt.packets.push_back({frame.at, frame.interface, frame.outgoing,
                                 static_cast<std::uint32_t>(frame.bytes.size()),
                                 attempt.capture.bytes().subspan(offset, kept)});
      offset += frame.bytes.size();
    }
    attempt.events = events_;
    return std::move(attempt);
  }
  model::Judgement judged(const Options& options = {}) {
    const auto whole = finish();
    return judge(scenario, whole, options);
  }

  model::Scenario scenario;
  evidence::Attempt attempt;

 private:
  struct Frame {
    Moment at{0};
    std::uint32_t interface = 0;
    bool outgoing = false;
    Bytes bytes;
  };
  void add_interface(const std::string& name, evidence::Interface::Kind kind, std::string host, std::string site) {
    interfaces_[name] = static_cast<std::uint32_t>(attempt.interfaces.size());
    attempt.interfaces.push_back({name, kind, std::move(host), std::move(site)});
  }

  blueprint::Blueprint plan_;
  std::map<std::string, std::uint32_t> interfaces_;
  std::vector<Frame> frames_;
  std::vector<model::Event> events_;
  Moment cut_ = Moment::max();
};

// A TCP connection as one interface sees it.
class Tcp {
 public:
  Tcp(Evidence& evidence, std::string interface, Endpoint near, Endpoint far)
      : evidence_(evidence), interface_(std::move(interface)), near_(near), far_(far) {}
  Tcp& open(Moment at) {
    segment(at, true, {.syn = true});
    segment(at + ms(1), false, {.syn = true, .ack = true});
    return *this;
  }
  Tcp& syn(Moment at) {
    segment(at, true, {.syn = true});
    next_[1] = 1000;  // again the same one
    return *this;
  }
  Tcp& send(Moment at, const Bytes& bytes) { return segment(at, true, {.ack = true}, bytes); }
  Tcp& receive(Moment at, const Bytes& bytes) { return segment(at, false, {.ack = true}, bytes); }
  // So many bytes of the other side are seen by nobody.
  Tcp& skip(std::uint32_t bytes) {
    next_[0] += bytes;
    return *this;
  }
  Tcp& fin(Moment at, bool outgoing) { return segment(at, outgoing, {.fin = true, .ack = true}); }
  Tcp& reset(Moment at, bool outgoing) { return segment(at, outgoing, {.rst = true}); }

 private:
  Tcp& segment(Moment at, bool outgoing, wire::TcpHeader header, const Bytes& bytes = {}) {
    auto& next = next_[outgoing ? 1 : 0];
    const auto& from = outgoing ? near_ : far_;
    const auto& to = outgoing ? far_ : near_;
    header.source_port = from.port;
    header.destination_port = to.port;
    header.sequence = next;
    header.window = 1000;
    next += static_cast<std::uint32_t>(bytes.size()) + (header.syn || header.fin ? 1 : 0);
    evidence_.packet(at, interface_, outgoing, wire::build_tcp(from, to, header, bytes));
    return *this;
  }
  Evidence& evidence_;
  std::string interface_;
  Endpoint near_;
  Endpoint far_;
  std::uint32_t next_[2]{9000, 1000};
};

// Checks and then `count` echoes, 20 ms apart, between a client and the far end of its path.
inline void direct_data(Evidence& evidence, const std::string& who, const Endpoint& near, const Endpoint& far,
                        const Endpoint& mapped, Moment from, int count = 20, std::size_t size = 60) {
  const std::string interface = who + ".eth0";
  evidence.udp(from, interface, true, near, far,
               stun({.username = "a:b", .ice = true, .use_candidate = true, .integrity = true, .fingerprint = true}));
  evidence.udp(from + ms(5), interface, false, near, far,
               stun({.message_class = wire::StunClass::success, .mapped = mapped}));
  for (int i = 0; i < count; ++i) {
    evidence.udp(from + ms(10 + 20 * i), interface, true, near, far, dtls_data(size));
    evidence.udp(from + ms(20 + 20 * i), interface, false, near, far, dtls_data(size));
  }
}

// An allocation over UDP and echoes through it.
inline void relayed_data(Evidence& evidence, const std::string& who, const Endpoint& near, Moment from, int count = 20,
                         std::size_t size = 60) {
  const auto relay = world("turn.crype.test", 3478);
  const std::string interface = who + ".eth0";
  const Endpoint peer{*parse_address("198.18.9.9"), 4000};
  using wire::StunClass;
  using wire::StunMethod;
  evidence.udp(from, interface, true, near, relay, stun({.method = StunMethod::allocate, .id = 3, .transport = true}));
  evidence.udp(from + ms(1), interface, false, near, relay,
               stun({.message_class = StunClass::success,
                     .method = StunMethod::allocate,
                     .id = 3,
                     .mapped = near,
                     .relayed = Endpoint{relay.address, 50000},
                     .lifetime = 600}));
  evidence.udp(from + ms(2), interface, true, near, relay,
               stun({.method = StunMethod::channel_bind, .id = 4, .peer = peer, .channel = 0x4000}));
  for (int i = 0; i < count; ++i) {
    Bytes frame(2048);
    const auto data = dtls_data(size);
    const auto whole = wire::write_channel_data(frame, 0x4000, data, wire::Padding::none);
    const Bytes bytes(whole.begin(), whole.end());
    evidence.udp(from + ms(10 + 20 * i), interface, true, near, relay, bytes);
    evidence.udp(from + ms(20 + 20 * i), interface, false, near, relay, bytes);
  }
}

// TLS and then `count` records each way, on a connection that is open.
inline void tls_data(Tcp& tcp, Moment from, const std::string& name, int count = 20, std::size_t size = 120) {
  tcp.send(from, client_hello(name));
  tcp.receive(from + ms(3), tls_record(22, 80, 2));
  for (int i = 0; i < count; ++i) {
    tcp.send(from + ms(10 + 20 * i), tls_record(23, size));
    tcp.receive(from + ms(20 + 20 * i), tls_record(23, size));
  }
}

inline const model::Verdict* find(const model::Judgement& judgement, const std::string& check,
                                  const std::string& who = "") {
  for (const auto& verdict : judgement.verdicts) {
    if (verdict.check == check && (who.empty() || verdict.client == who)) return &verdict;
  }
  return nullptr;
}

}  // namespace crypelab::judge::made
