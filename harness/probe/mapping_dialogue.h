#pragma once

#include "harness/probe/bindings.h"

#include <array>

namespace crypelab::probe {

// What a NAT's mappings say about it, RFC 5780 section 4.3 and RFC 4787 section 4.2. Shared by UDP and TCP.
struct MappingEvidence {
  // As whom one local endpoint was seen by server, other address, other port, both other.
  std::array<std::optional<Endpoint>, 4> seen;
  Endpoint local;
  // Local and external ports of further flows to the server, in the order in which they were opened.
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ports;
};
measure::Mapped conclude(const MappingEvidence& evidence);
// The four endpoints in the order of MappingEvidence::seen.
std::array<Endpoint, 4> corners(const Endpoint& server, const Endpoint& other);

// measure::Mapping over UDP: socket 0 asks all four corners, the others the server.
class MappingDialogue final : public Dialogue {
 public:
  static constexpr unsigned further_sockets = 8;

  MappingDialogue(const measure::Mapping& ask, std::uint64_t seed)
      : corners_(corners(ask.server, ask.other)), transactions_(seed) {}

  unsigned sockets() const override { return 1 + further_sockets; }
  Endpoint target() const override { return corners_[0]; }
  void start(const std::vector<Endpoint>& locals, Time now) override;
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override { return retry_.at(); }
  bool done() const override;
  measure::Finding finding() const override;

 private:
  std::array<Endpoint, 4> corners_;
  Transactions transactions_;
  std::vector<Endpoint> locals_;
  std::array<std::optional<Endpoint>, 4 + further_sockets> seen_;
  Retry retry_;
};

}  // namespace crypelab::probe
