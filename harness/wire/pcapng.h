#pragma once

#include "harness/base/address.h"
#include "harness/base/result.h"
#include "harness/wire/bytes.h"
#include "harness/wire/stream_buffer.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// Captures in the pcapng format (draft-ietf-opsawg-pcapng; section numbers below are of its revision 02).

namespace crypelab::wire {

inline constexpr std::uint16_t link_type_ethernet = 1;
inline constexpr std::uint16_t link_type_raw_ip = 101;

// Section Header Block, §4.1.
struct PcapngSection {
  std::string hardware;
  std::string os;
  std::string application;
  std::string comment;
};

// Interface Description Block, §4.2.
struct PcapngInterface {
  std::string name;
  std::string description;
  std::uint16_t link_type = link_type_ethernet;
  std::uint32_t snap_length = 0;  // 0: no limit
};

// Where a packet was going, as seen from its interface: bits 0 and 1 of the flags (§4.3.1).
enum class PcapngDirection : std::uint8_t { unknown = 0, inbound = 1, outbound = 2 };

// Enhanced Packet Block, §4.3.
struct PcapngPacket {
  std::uint32_t interface = 0;
  std::uint64_t time = 0;  // nanoseconds since 1970
  Bytes data;
  std::uint32_t original_length = 0;  // on the wire; 0 when writing: as long as `data`
  std::optional<PcapngDirection> direction;
  std::string comment;
};

// Decryption Secrets Block, §4.7: lines of the NSS key log format.
struct PcapngSecrets {
  std::string key_log;
};

// Name Resolution Block, §4.5.
struct PcapngNames {
  std::vector<std::pair<Address, std::string>> names;
};

// Each appends one block in little-endian order. A section comes first, its interfaces before their packets, secrets
// before the packets that they open. Interfaces count from 0 in each section; times have nanosecond resolution.
void write_block(std::vector<std::uint8_t>& out, const PcapngSection& section);
void write_block(std::vector<std::uint8_t>& out, const PcapngInterface& interface);
void write_block(std::vector<std::uint8_t>& out, const PcapngPacket& packet);
void write_block(std::vector<std::uint8_t>& out, const PcapngSecrets& secrets);
void write_block(std::vector<std::uint8_t>& out, const PcapngNames& names);
// A block of `size` bytes in all that tells nobody anything, and that no program shows as a packet: names of nothing, with
// a comment of spaces. A multiple of 4, at least 28 and below 65,536.
inline constexpr std::size_t smallest_filler = 28;
void write_filler(std::vector<std::uint8_t>& out, std::size_t size);

using PcapngBlock = std::variant<PcapngSection, PcapngInterface, PcapngPacket, PcapngSecrets, PcapngNames>;

// Reads a file in pieces of any size, in either byte order, with any resolution of time. After each `feed` call `next`
// until it gives nothing. Blocks of other types are skipped. Holds one block at most, and 65,536 interfaces a section.
class PcapngReader {
 public:
  static constexpr std::size_t largest_block = 16u << 20;

  void feed(Bytes arrived);
  // A packet's data is valid until the next `feed`.
  std::optional<PcapngBlock> next();
  // Why the bytes cannot be read further; what came before stands.
  const std::optional<std::string>& fault() const { return fault_; }
  // Whether the bytes end between two blocks: otherwise the file is cut off.
  bool at_block_end() const { return buffer_.view().empty(); }

 private:
  struct Clock {
    std::uint64_t units_per_second = 1'000'000;
    std::int64_t offset_seconds = 0;
  };
  // Option code and value.
  using Option = std::pair<std::uint16_t, Bytes>;

  std::uint16_t u16(Bytes bytes, std::size_t offset) const;
  std::uint32_t u32(Bytes bytes, std::size_t offset) const;
  std::optional<std::vector<Option>> options(Bytes rest);
  std::optional<PcapngBlock> section(Bytes body);
  std::optional<PcapngBlock> interface(Bytes body);
  std::optional<PcapngBlock> packet(Bytes body);
  std::optional<PcapngBlock> secrets(Bytes body);
  std::optional<PcapngBlock> names(Bytes body);
  std::nullopt_t refuse(std::string why);

  StreamBuffer buffer_;
  std::optional<std::string> fault_;
  std::vector<Clock> clocks_;  // of the section's interfaces
  bool in_section_ = false;
  bool big_endian_ = false;
};

}  // namespace crypelab::wire
