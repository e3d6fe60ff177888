#include "harness/judge/flow.h"

#include "harness/judge/datagram.h"
#include "harness/judge/stream.h"

#include <map>
#include <memory>
#include <tuple>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

// RFC 792, RFC 4443: what a router or a host says instead of carrying a packet on.
std::string icmp_words(const wire::IcmpHeader& header, bool v6) {
  if (v6) {
    if (header.type == 1) {
      constexpr std::array<const char*, 5> words{"no route", "administratively prohibited", "beyond scope",
                                                 "address unreachable", "port unreachable"};
      return header.code < words.size() ? words[header.code] : "unreachable";
    }
    return header.type == 2 ? "packet too big" : "";
  }
  if (header.type != 3) return "";
  switch (header.code) {
    case 0:
      return "network unreachable";
    case 1:
      return "host unreachable";
    case 3:
      return "port unreachable";
    case 4:
      return "fragmentation needed";
    case 9:
    case 10:
    case 13:
      return "administratively prohibited";
    default:
      return "unreachable";
  }
}

class Decoder {
 public:
  explicit Decoder(const evidence::Attempt& attempt) : attempt_(attempt) {}

  std::vector<Flow> run() {
    for (const auto& packet : attempt_.packets) {
      const auto ip = wire::decode_frame(packet.bytes);
      if (!ip || ip->fragment_offset != 0) continue;
      if (ip->icmp() != nullptr) {
        if (!packet.outgoing) take_icmp(packet, *ip);
      } else if (ip->udp() != nullptr || ip->tcp() != nullptr) {
        take(packet, *ip);
      }
    }
    return std::move(flows_);
  }

 private:
  using Key = std::tuple<std::uint32_t, std::uint8_t, Endpoint, Endpoint>;

  Flow& flow_of(const evidence::Packet& packet, const wire::IpPacket& ip, std::size_t& index) {
    const auto near = packet.outgoing ? ip.source_endpoint() : ip.destination_endpoint();
    const auto far = packet.outgoing ? ip.destination_endpoint() : ip.source_endpoint();
    const Key key{packet.interface, ip.protocol, near, far};
    const auto found = open_.find(key);
    const auto* tcp = ip.tcp();
    const bool opens = tcp != nullptr && tcp->syn && !tcp->ack;
    if (found != open_.end()) {
      const auto& there = flows_[found->second];
      const bool over = there.reset_in || there.reset_out || (there.fin_in && there.fin_out);
      if (!opens || !over) {
        index = found->second;
        return flows_[index];
      }
    }
    index = flows_.size();
    open_[key] = index;
    Flow flow{.interface = packet.interface, .protocol = ip.protocol, .near = near, .far = far};
    flow.outgoing = packet.outgoing;
    flow.began = packet.at;
    flows_.push_back(std::move(flow));
    streams_.emplace_back(tcp != nullptr ? std::make_unique<Stream>() : nullptr);
    return flows_.back();
  }

  void take(const evidence::Packet& packet, const wire::IpPacket& ip) {
    std::size_t index = 0;
    Flow& flow = flow_of(packet, ip, index);
    flow.ended = packet.at;
    (packet.outgoing ? flow.packets_out : flow.packets_in) += 1;
    if (ip.udp() != nullptr) {
      if (flow.opening == Opening::none && !ip.payload.empty()) open(flow, ip.payload);
      if (flow.far.port == 53) {
        note_dns(flow, ip.payload, ip.payload.size() + cut_off(packet), packet.at, packet.outgoing);
      } else {
        note_message(flow, ip.payload, ip.payload.size() + cut_off(packet), packet.at, packet.outgoing);
      }
    } else {
      take_segment(flow, *streams_[index], packet, ip, *ip.tcp());
    }
  }

  // So many bytes of it were not kept.
  static std::size_t cut_off(const evidence::Packet& packet) {
    return packet.length > packet.bytes.size() ? packet.length - packet.bytes.size() : 0;
  }

  static void open(Flow& flow, wire::Bytes payload) {
    for (std::size_t i = 0; i < std::min<std::size_t>(payload.size(), 8); ++i)
      flow.first_bytes += fmt::format("{:02x}", payload[i]);
    const bool stun = wire::looks_like_stun(payload);
    const bool dtls = payload[0] >= 20 && payload[0] <= 63;
    flow.opening = stun ? Opening::stun : dtls ? Opening::dtls : Opening::other;
  }

  static void take_segment(Flow& flow, Stream& stream, const evidence::Packet& packet, const wire::IpPacket& ip,
                           const wire::TcpHeader& tcp) {
    if (tcp.syn) {
      stream.begin(tcp.sequence, packet.outgoing);
      if (tcp.ack && !flow.established) flow.established = packet.at;
    }
    if (tcp.rst && !(packet.outgoing ? flow.reset_out : flow.reset_in))
      (packet.outgoing ? flow.reset_out : flow.reset_in) = packet.at;
    if (tcp.fin && !(packet.outgoing ? flow.fin_out : flow.fin_in))
      (packet.outgoing ? flow.fin_out : flow.fin_in) = packet.at;
    if (cut_off(packet) > 0) return stream.lose(flow);
    stream.feed(flow, tcp.sequence + (tcp.syn ? 1 : 0), ip.payload, packet.at, packet.outgoing);
  }

  // An error names the packet that caused it (RFC 792): the flow of that one.
  void take_icmp(const evidence::Packet& packet, const wire::IpPacket& ip) {
    const auto words = icmp_words(*ip.icmp(), ip.source.is_v6());
    if (words.empty()) return;
    const auto cause = wire::decode_ip(ip.payload);
    if (!cause) return;
    const auto found =
        open_.find(Key{packet.interface, cause->protocol, cause->source_endpoint(), cause->destination_endpoint()});
    if (found != open_.end() && !flows_[found->second].icmp) flows_[found->second].icmp = {packet.at, words};
  }

  const evidence::Attempt& attempt_;
  std::vector<Flow> flows_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<Key, std::size_t> open_;
};

}  // namespace

std::vector<Flow> decode_flows(const evidence::Attempt& attempt) { return Decoder(attempt).run(); }

}  // namespace crypelab::judge
