#pragma once

#include "harness/base/descriptor.h"
#include "harness/evidence/attempt.h"
#include "harness/evidence/masking.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace crypelab::evidence {

// Writes the packets of all interfaces into one capture, merged by time and without secrets in clear text, in bounded
// memory. The secrets that open its TLS connections are known last and stand first (pcapng, section 4.7): packets wait
// in a file beside it until then.
class PacketWriter {
 public:
  struct Limits {
    std::size_t held_bytes = std::size_t{16} << 20;  // beyond, the oldest are written before their time
    std::uint64_t whole_bytes = std::uint64_t{64}
                                << 20;  // of the file; beyond, only the beginning of each packet is kept
    std::uint64_t file_bytes = std::uint64_t{2} << 30;  // beyond, packets are lost
  };
  static constexpr std::size_t kBeginning = 192;

  // `zero` is the beginning of the lab's clock, since 1970. Throws Failure{io}.
  PacketWriter(std::filesystem::path file, std::vector<Interface> interfaces, std::chrono::nanoseconds zero,
               const Redaction& redaction);
  PacketWriter(std::filesystem::path file, std::vector<Interface> interfaces, std::chrono::nanoseconds zero,
               const Redaction& redaction, const Limits& limits);
  PacketWriter(const PacketWriter&) = delete;
  PacketWriter& operator=(const PacketWriter&) = delete;
  ~PacketWriter();

  // Copies it. Packets of one interface come in their order; those of several in any order that is at most as far apart
  // as write_up_to() allows for.
  void take(const Packet& packet);
  // Writes what is older: nothing that is will be taken any more.
  void write_up_to(std::chrono::nanoseconds time);
  // Writes the rest. `key_log` are lines of the NSS key log format. Throws Failure{io}.
  void finish(const std::string& key_log, const std::vector<std::pair<Address, std::string>>& names);

  const std::vector<Interface>& interfaces() const { return interfaces_; }
  std::uint64_t lost() const { return lost_; }
  const std::vector<Sighting>& sightings() const { return masking_.sightings(); }

 private:
  void write_first();
  void flush();

  std::filesystem::path file_;
  std::filesystem::path waiting_file_;
  std::vector<Interface> interfaces_;
  std::chrono::nanoseconds zero_;
  Limits limits_;
  Masking masking_;
  Descriptor waiting_;
  std::deque<HeldPacket> held_;  // as they came; one that has been written has no bytes
  std::multimap<std::chrono::nanoseconds, std::uint64_t> order_;  // of those that have not: their numbers, by time
  std::size_t held_bytes_ = 0;
  std::uint64_t first_ = 0;  // number of the first packet that is held
  std::vector<std::uint8_t> buffer_;
  std::uint64_t written_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace crypelab::evidence
