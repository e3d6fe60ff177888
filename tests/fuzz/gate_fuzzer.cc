#include "harness/gate/gate.h"

#include <cstdlib>
#include <set>

using namespace crypelab;

// Packets of a few connections as the input says: which, how long, where in the stream, with which flags. Every packet
// gets one ruling at most, and one exactly once its connection is decided or forgotten; what is kept stays bounded.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gate::Configuration configuration;
  for (const std::uint32_t number : {0U, 1U, 2U, 3U}) {
    gate::Policy policy;
    policy.tls = number != 1;
    policy.http = number != 0;
    policy.name_required = number == 3;
    policy.otherwise = number == 2 ? gate::Policy::Otherwise::drop : gate::Policy::Otherwise::reset;
    configuration.policies.emplace(number, policy);
  }
  gate::Gate gate(configuration, {.flows = 4, .waiting_segments = 8});
  const Address client = Address::v4(0x0a140002);
  const Address server = Address::v4(0xcb007116);
  wire::Bytes input(data, size);
  gate::Outcome outcome;
  gate::Time now{0};
  std::uint32_t id = 0;
  while (input.size() >= 4 && id < 2000) {
    const auto control = input[0];
    const auto at = input[1];
    const std::size_t length = std::min<std::size_t>(input[2], input.size() - 4);
    now += std::chrono::milliseconds(input[3]) * 100;
    const auto payload = input.subspan(4, length);
    input = input.subspan(4 + length);
    const Endpoint inside{client, static_cast<std::uint16_t>(1000 + (control & 7))};
    const Endpoint outside{server, 443};
    const bool in = (control & 8) != 0;
    wire::TcpHeader header;
    header.syn = (control & 16) != 0;
    header.rst = (control & 96) == 96;
    header.ack = !header.syn;
    header.sequence = header.syn ? 0xffff'fff0 : 0xffff'fff1 + at;
    header.source_port = in ? outside.port : inside.port;
    header.destination_port = in ? inside.port : outside.port;
    const auto packet = wire::build_tcp(in ? outside : inside, in ? inside : outside, header, payload);
    gate.judge({++id, static_cast<std::uint32_t>(control >> 6), in ? gate::Way::in : gate::Way::out, packet}, now,
               outcome);
    if (gate.flows() > 4) std::abort();
    if ((control & 32) != 0) gate.expire(now, outcome);
  }
  gate.judge({++id, 0, gate::Way::out, input}, now, outcome);
  gate.expire(now + std::chrono::hours(1), outcome);
  if (gate.flows() != 0) std::abort();
  std::set<std::uint32_t> ruled;
  for (const auto& ruling : outcome.rulings) {
    if (!ruled.insert(ruling.id).second) std::abort();
  }
  if (ruled.size() != id) std::abort();
  return 0;
}
