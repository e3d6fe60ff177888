#include "harness/wire/pcapng.h"
#include "harness/wire/pcapng_format.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

constexpr std::size_t smallest_block = 12;
constexpr std::size_t most_interfaces = 65'536;
constexpr std::size_t most_options = 4'096;

std::string text_in(const std::vector<std::pair<std::uint16_t, Bytes>>& options, std::uint16_t code) {
  for (const auto& [found, value] : options) {
    if (found == code) return std::string(text_of(value));
  }
  return {};
}

// if_tsresol (§4.2): a negative power of ten, or with the highest bit of two.
std::optional<std::uint64_t> units_per_second(std::uint8_t resolution) {
  const unsigned exponent = resolution & 0x7fu;
  if ((resolution & 0x80) != 0) return exponent < 64 ? std::optional(std::uint64_t{1} << exponent) : std::nullopt;
  if (exponent > 19) return std::nullopt;
  std::uint64_t units = 1;
  for (unsigned i = 0; i < exponent; ++i) units *= 10;
  return units;
}

// Wraps around for times outside the range of 64 bits, as hostile files may hold.
std::uint64_t nanoseconds(std::uint64_t time, std::uint64_t units, std::int64_t offset_seconds) {
  __extension__ using Wide = unsigned __int128;  // a fraction of a second, in units of up to 2^-63, times a billion
  constexpr std::uint64_t billion = 1'000'000'000;
  const auto fraction = static_cast<std::uint64_t>(Wide{time % units} * billion / units);
  return (time / units + static_cast<std::uint64_t>(offset_seconds)) * billion + fraction;
}

}  // namespace

std::uint16_t PcapngReader::u16(Bytes bytes, std::size_t offset) const {
  const auto value = load<std::uint16_t>(bytes, offset);
  return big_endian_ ? value : static_cast<std::uint16_t>(value >> 8 | value << 8);
}

std::uint32_t PcapngReader::u32(Bytes bytes, std::size_t offset) const {
  const std::uint32_t first = u16(bytes, offset);
  const std::uint32_t second = u16(bytes, offset + 2);
  return big_endian_ ? first << 16 | second : second << 16 | first;
}

std::nullopt_t PcapngReader::refuse(std::string why) {
  fault_ = std::move(why);
  return std::nullopt;
}

void PcapngReader::feed(Bytes arrived) {
  if (!fault_) buffer_.append(arrived);
}

std::optional<PcapngBlock> PcapngReader::next() {
  while (!fault_) {
    const Bytes pending = buffer_.view();
    if (pending.size() < smallest_block) return std::nullopt;
    // The type of a section header reads the same in both orders; its magic number says which one holds from here on.
    const bool is_section = load<std::uint32_t>(pending, 0) == pcapng::section_block;
    if (is_section) {
      const auto magic = load<std::uint32_t>(pending, 8);
      big_endian_ = magic == pcapng::byte_order_magic;
      if (!big_endian_ && magic != 0x4D3C2B1A) return refuse("a pcapng section without byte-order magic");
    } else if (!in_section_) {
      return refuse("not a pcapng file");
    }
    const std::size_t size = u32(pending, 4);
    if (size < smallest_block || size % 4 != 0) return refuse("a pcapng block of impossible length");
    if (size > largest_block) return refuse(fmt::format("a pcapng block of more than {} bytes", largest_block));
    if (pending.size() < size) return std::nullopt;
    if (u32(pending, size - 4) != size) return refuse("the two lengths of a pcapng block differ");
    const auto type = u32(pending, 0);
    const Bytes body = pending.subspan(8, size - smallest_block);
    buffer_.consume(size);
    std::optional<PcapngBlock> block;
    if (is_section) block = section(body);
    if (type == pcapng::interface_block) block = interface(body);
    if (type == pcapng::packet_block) block = packet(body);
    if (type == pcapng::secrets_block) block = secrets(body);
    if (type == pcapng::names_block) block = names(body);
    if (block) return block;
  }
  return std::nullopt;
}

// Code, length, value, padding (§3.5).
std::optional<std::vector<PcapngReader::Option>> PcapngReader::options(Bytes rest) {
  std::vector<Option> found;
  while (rest.size() >= 4) {
    const auto code = u16(rest, 0);
    const std::size_t size = u16(rest, 2);
    if (code == pcapng::end_of_options) break;
    if (rest.size() - 4 < padded4(size)) return refuse("a pcapng option reaches beyond its block");
    if (found.size() == most_options) return refuse("a pcapng block with too many options");
    found.emplace_back(code, rest.subspan(4, size));
    rest = rest.subspan(4 + padded4(size));
  }
  return found;
}

std::optional<PcapngBlock> PcapngReader::section(Bytes body) {
  if (body.size() < 16) return refuse("a pcapng section header is too short");
  if (u16(body, 4) != 1) return refuse(fmt::format("a pcapng file of version {}", u16(body, 4)));
  const auto list = options(body.subspan(16));
  if (!list) return std::nullopt;
  in_section_ = true;
  clocks_.clear();
  return PcapngSection{text_in(*list, pcapng::hardware_option), text_in(*list, pcapng::os_option),
                       text_in(*list, pcapng::application_option), text_in(*list, pcapng::comment_option)};
}

std::optional<PcapngBlock> PcapngReader::interface(Bytes body) {
  if (body.size() < 8) return refuse("a pcapng interface description is too short");
  if (clocks_.size() == most_interfaces) return refuse("a pcapng section with too many interfaces");
  const auto list = options(body.subspan(8));
  if (!list) return std::nullopt;
  Clock clock;
  for (const auto& [code, value] : *list) {
    if (code == pcapng::resolution_option && value.size() == 1) {
      const auto units = units_per_second(value[0]);
      if (!units) return refuse("a pcapng interface with an impossible resolution of time");
      clock.units_per_second = *units;
    }
    if (code == pcapng::offset_option && value.size() == 8) {
      const std::uint64_t first = u32(value, 0);
      const std::uint64_t second = u32(value, 4);
      clock.offset_seconds = static_cast<std::int64_t>(big_endian_ ? first << 32 | second : second << 32 | first);
    }
  }
  clocks_.push_back(clock);
  return PcapngInterface{text_in(*list, pcapng::name_option), text_in(*list, pcapng::description_option), u16(body, 0),
                         u32(body, 4)};
}

std::optional<PcapngBlock> PcapngReader::packet(Bytes body) {
  if (body.size() < 20) return refuse("a pcapng packet block is too short");
  PcapngPacket packet;
  packet.interface = u32(body, 0);
  if (packet.interface >= clocks_.size()) return refuse("a pcapng packet of an interface that was not described");
  const Clock& clock = clocks_[packet.interface];
  const std::uint64_t time = std::uint64_t{u32(body, 4)} << 32 | u32(body, 8);
  packet.time = nanoseconds(time, clock.units_per_second, clock.offset_seconds);
  const std::size_t size = u32(body, 12);
  packet.original_length = u32(body, 16);
  if (body.size() - 20 < padded4(size)) return refuse("a pcapng packet reaches beyond its block");
  packet.data = body.subspan(20, size);
  const auto list = options(body.subspan(20 + padded4(size)));
  if (!list) return std::nullopt;
  packet.comment = text_in(*list, pcapng::comment_option);
  for (const auto& [code, value] : *list) {
    if (code == pcapng::flags_option && value.size() == 4)
      packet.direction = static_cast<PcapngDirection>(u32(value, 0) & 3);
  }
  return packet;
}

std::optional<PcapngBlock> PcapngReader::secrets(Bytes body) {
  if (body.size() < 8) return refuse("a pcapng secrets block is too short");
  if (u32(body, 0) != pcapng::tls_key_log) return std::nullopt;
  const std::size_t size = u32(body, 4);
  if (body.size() - 8 < padded4(size)) return refuse("pcapng secrets reach beyond their block");
  return PcapngSecrets{std::string(text_of(body.subspan(8, size)))};
}

std::optional<PcapngBlock> PcapngReader::names(Bytes rest) {
  PcapngNames result;
  while (rest.size() >= 4 && u16(rest, 0) != pcapng::end_of_records) {
    const auto type = u16(rest, 0);
    const std::size_t size = u16(rest, 2);
    if (rest.size() - 4 < padded4(size)) return refuse("a pcapng name record reaches beyond its block");
    const Bytes value = rest.subspan(4, size);
    rest = rest.subspan(4 + padded4(size));
    const std::size_t length = type == pcapng::ipv4_record ? 4 : 16;
    if ((type != pcapng::ipv4_record && type != pcapng::ipv6_record) || size <= length) continue;
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(value.begin(), length, bytes.begin());
    const Address address = length == 4 ? Address::v4(load<std::uint32_t>(bytes, 0)) : Address::v6(bytes);
    // One record may hold several names, each ended by a zero.
    std::string_view text = text_of(value.subspan(length));
    while (!text.empty()) {
      const auto name = text.substr(0, text.find('\0'));
      if (!name.empty()) result.names.emplace_back(address, std::string(name));
      text.remove_prefix(std::min(name.size() + 1, text.size()));
    }
  }
  return result;
}

}  // namespace crypelab::wire
