#include "harness/wire/pcapng.h"
#include "harness/wire/pcapng_format.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

// One block: type and length in front, length again behind (§3.1). The length is known when it is destroyed.
class Block {
 public:
  Block(std::vector<std::uint8_t>& out, std::uint32_t type) : out_(out), start_(out.size()) {
    u32(type);
    u32(0);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    const auto size = static_cast<std::uint32_t>(out_.size() + 4 - start_);
    u32(size);
    for (std::size_t i = 0; i < 4; ++i) out_[start_ + 4 + i] = static_cast<std::uint8_t>(size >> 8 * i & 0xff);
  }

  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void padded(Bytes bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    out_.resize(out_.size() + padded4(bytes.size()) - bytes.size());
  }
  // Values are at most 65,535 bytes long; longer text is cut.
  void option(std::uint16_t code, Bytes value) {
    value = value.first(std::min<std::size_t>(value.size(), 0xFFFF));
    u16(code);
    u16(static_cast<std::uint16_t>(value.size()));
    padded(value);
    any_option_ = true;
  }
  void text_option(std::uint16_t code, std::string_view text) {
    if (!text.empty()) option(code, bytes_of(text));
  }
  void end_options() {
    if (any_option_) u32(pcapng::end_of_options);
  }

 private:
  void number(std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) out_.push_back(static_cast<std::uint8_t>(value >> 8 * i & 0xff));
  }

  std::vector<std::uint8_t>& out_;
  std::size_t start_;
  bool any_option_ = false;
};

}  // namespace

void write_block(std::vector<std::uint8_t>& out, const PcapngSection& section) {
  Block block(out, pcapng::section_block);
  block.u32(pcapng::byte_order_magic);
  block.u16(1);
  block.u16(0);
  block.u64(~std::uint64_t{0});  // the section's length is not known
  block.text_option(pcapng::hardware_option, section.hardware);
  block.text_option(pcapng::os_option, section.os);
  block.text_option(pcapng::application_option, section.application);
  block.text_option(pcapng::comment_option, section.comment);
  block.end_options();
}

void write_block(std::vector<std::uint8_t>& out, const PcapngInterface& interface) {
  Block block(out, pcapng::interface_block);
  block.u16(interface.link_type);
  block.u16(0);
  block.u32(interface.snap_length);
  block.text_option(pcapng::name_option, interface.name);
  block.text_option(pcapng::description_option, interface.description);
  const std::uint8_t nanoseconds = 9;
  block.option(pcapng::resolution_option, Bytes(&nanoseconds, 1));
  block.end_options();
}

void write_block(std::vector<std::uint8_t>& out, const PcapngPacket& packet) {
  Block block(out, pcapng::packet_block);
  const auto size = static_cast<std::uint32_t>(packet.data.size());
  block.u32(packet.interface);
  block.u32(static_cast<std::uint32_t>(packet.time >> 32));
  block.u32(static_cast<std::uint32_t>(packet.time & 0xFFFFFFFF));
  block.u32(size);
  block.u32(packet.original_length != 0 ? packet.original_length : size);
  block.padded(packet.data);
  if (packet.direction) {
    const std::array<std::uint8_t, 4> flags{static_cast<std::uint8_t>(*packet.direction), 0, 0, 0};
    block.option(pcapng::flags_option, flags);
  }
  block.text_option(pcapng::comment_option, packet.comment);
  block.end_options();
}

void write_block(std::vector<std::uint8_t>& out, const PcapngSecrets& secrets) {
  Block block(out, pcapng::secrets_block);
  block.u32(pcapng::tls_key_log);
  block.u32(static_cast<std::uint32_t>(secrets.key_log.size()));
  block.padded(bytes_of(secrets.key_log));
}

void write_block(std::vector<std::uint8_t>& out, const PcapngNames& names) {
  Block block(out, pcapng::names_block);
  for (const auto& [address, name] : names.names) {
    const std::size_t length = address.is_v4() ? 4 : 16;
    std::vector<std::uint8_t> record(address.bytes().begin(),
                                     address.bytes().begin() + static_cast<std::ptrdiff_t>(length));
    const auto text = bytes_of(std::string_view(name).substr(0, 255));
    record.insert(record.end(), text.begin(), text.end());
    record.push_back(0);
    block.u16(address.is_v4() ? pcapng::ipv4_record : pcapng::ipv6_record);
    block.u16(static_cast<std::uint16_t>(record.size()));
    block.padded(record);
  }
  block.u32(pcapng::end_of_records);
}

void write_filler(std::vector<std::uint8_t>& out, std::size_t size) {
  Block block(out, pcapng::names_block);
  block.u32(pcapng::end_of_records);
  block.text_option(pcapng::comment_option, std::string(size - smallest_filler + 4, ' '));
  block.end_options();
}

}  // namespace crypelab::wire
