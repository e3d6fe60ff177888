// Hostile peers and servers. The input is a list of packets: two bytes of size, one of what becomes of it (to the
// agent, into its stream, to the allocation, a candidate; signed or as it is), the bytes. Nothing may crash or grow.
#include "clients/reference/ice/agent.h"
#include "clients/reference/turn/allocation.h"

#include <cstdlib>

using namespace crypelab;
using namespace crypelab::client;

namespace {

class Counter final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(++state_ * 41);
  }

 private:
  std::uint32_t state_ = 0;
};

class Nowhere final : public ice::Output, public stun::Output {
 public:
  void send(const ice::Route&, wire::Bytes) override {}
  void deliver(wire::Bytes) override {}
  void connect(const ice::Route&) override {}
  void permit(ice::Base, const Address&) override {}
  void send(wire::Bytes message) override { last.assign(message.begin(), message.end()); }
  std::vector<std::uint8_t> last;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Counter random;
  Nowhere out;
  Time now(1h);
  const auto here = *parse_endpoint("192.0.2.1:5000");
  const auto there = *parse_endpoint("203.0.113.5:6000");
  ice::Agent agent({.controlling = size % 2 == 0}, random, out);
  agent.add_local({.base = 1, .address = here, .related = here}, now);
  agent.add_local({.base = 2,
                   .transport = wire::IceCandidate::Transport::tcp,
                   .tcp_type = wire::IceCandidate::TcpType::passive,
                   .address = here,
                   .related = here},
                  now);
  agent.set_remote({"peer", "0123456789012345678901"}, now);
  agent.connected({2, there}, now);
  turn::Allocation allocation({}, *stun::LongTerm::create("alice", "wonderland"), random, out, now);

  wire::Bytes rest(data, size);
  while (rest.size() >= 3) {
    const std::size_t length = std::min<std::size_t>(wire::load<std::uint16_t>(rest, 0), rest.size() - 3);
    const std::uint8_t what = rest[2];
    std::vector<std::uint8_t> packet(rest.begin() + 3, rest.begin() + 3 + static_cast<std::ptrdiff_t>(length));
    rest = rest.subspan(3 + length);
    // The peer's own signature over whatever attributes there are; the transaction of the last request for a server's.
    if ((what & 0x10) != 0 && packet.size() >= 20) {
      std::vector<std::uint8_t> whole(packet.size() + 200);
      wire::TransactionId transaction{};
      const bool turn = (what & 3) == 2 && out.last.size() >= 20;
      std::copy_n((turn ? out.last : packet).begin() + 8, 12, transaction.begin());
      wire::StunWriter writer(whole, static_cast<wire::StunClass>(packet[0] & 3),
                              turn ? wire::StunMessage::parse(out.last) ? wire::StunMessage::parse(out.last)->method()
                                                                        : wire::StunMethod::allocate
                                   : wire::StunMethod::binding,
                              transaction);
      for (std::size_t at = 20; at + 4 <= packet.size();) {
        const std::size_t value = std::min<std::size_t>(packet[at + 3], packet.size() - at - 4);
        writer.add(wire::StunAttribute{wire::load<std::uint16_t>(packet, at)},
                   wire::Bytes(packet).subspan(at + 4, value));
        at += 4 + value;
      }
      if (!turn) {
        writer.add_text(wire::StunAttribute::username, agent.credentials().ufrag + ":peer");
        writer.add_integrity(wire::bytes_of(agent.credentials().password)).add_fingerprint();
      }
      packet.assign(writer.bytes().begin(), writer.bytes().end());
    }
    switch (what & 3) {
      case 0:
        agent.receive({1, {there.address, static_cast<std::uint16_t>(6000 + (what >> 5))}}, packet, now);
        break;
      case 1:
        agent.receive_stream({2, there}, packet, now);
        break;
      case 2:
        allocation.receive(packet, now);
        break;
      default:
        if (const auto candidate = wire::parse_candidate(wire::text_of(packet))) agent.add_remote(*candidate, now);
    }
    now += (what & 8) != 0 ? Duration(7s) : Duration(20ms);
    for (int i = 0; i < 50 && agent.next() && *agent.next() <= now; ++i) agent.wake(now);
    for (int i = 0; i < 50 && allocation.next() && *allocation.next() <= now; ++i) allocation.wake(now);
    while (agent.poll()) {
    }
    while (allocation.poll()) {
    }
    if (agent.checklist().pairs().size() > 100) std::abort();
    // A core that asks to be woken in the past for ever would spin.
    if (agent.next() && *agent.next() <= now) std::abort();
    if (allocation.next() && *allocation.next() <= now) std::abort();
  }
  return 0;
}
