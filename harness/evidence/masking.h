#pragma once

#include "harness/evidence/redaction.h"
#include "harness/wire/packet.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace crypelab::evidence {

// A frame on its way to the disk.
struct HeldPacket {
  std::chrono::nanoseconds at{0};
  std::uint32_t interface = 0;
  bool outgoing = false;
  std::uint32_t length = 0;
  std::vector<std::uint8_t> bytes;
};

// A secret that went by in clear text.
struct Sighting {
  std::chrono::nanoseconds at{0};
  std::uint32_t interface = 0;
  std::string secret;  // its name
  std::string from;    // endpoints; empty for what is no UDP or TCP
  std::string to;
};

// Overwrites secrets in frames, each in as many bytes as it has, with its marker and asterisks. One that is spread over
// segments of a TCP stream is found as long as they follow one another without gap or overtaking and the earlier ones
// are still held; of what has left already nothing can be taken back, and the rest is masked. Not found: what is spread
// over datagrams or IP fragments, compressed, encrypted, or derived (a Digest response is no secret). Checksums are
// left as they were.
class Masking {
 public:
  static constexpr std::size_t kMostFlows = 4096;

  explicit Masking(const Redaction& redaction) : redaction_(&redaction) {}

  // `held` are the packets as they came; those without bytes can no longer be changed, and the last one is new.
  // `number` is that of the first of them since the beginning.
  void mask(std::deque<HeldPacket>& held, std::uint64_t number);
  // Each secret once for each flow and interface.
  const std::vector<Sighting>& sightings() const { return sightings_; }

 private:
  // Where bytes of a stream lie.
  struct Piece {
    std::uint64_t packet = 0;
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  // The last bytes of a stream.
  struct Flow {
    std::uint32_t next = 0;  // sequence number
    std::string tail;
    std::vector<Piece> pieces;  // of the tail
    std::uint64_t used = 0;
  };
  using FlowName = std::tuple<std::uint32_t, bool, Endpoint, Endpoint>;

  void follow(std::deque<HeldPacket>& held, std::uint64_t number, const wire::IpPacket& ip);
  void cover(std::deque<HeldPacket>& held, std::uint64_t number, const std::vector<Piece>& pieces,
             const Redaction::Match& match);
  void note(const HeldPacket& packet, const Redaction::Match& match, const std::optional<wire::IpPacket>& ip);
  void make_room();

  const Redaction* redaction_;
  std::map<FlowName, Flow> flows_;
  std::uint64_t clock_ = 0;
  std::vector<Sighting> sightings_;
};

}  // namespace crypelab::evidence
