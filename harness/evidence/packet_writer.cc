#include "harness/evidence/packet_writer.h"

#include "harness/base/error.h"
#include "harness/evidence/packet_file.h"
#include "harness/wire/pcapng.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::evidence {
namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;
// Kept free in front of the packets for what is known at the end only and must stand before them: names and keys.
constexpr off_t kHead = off_t{16} << 10;

[[noreturn]] void fail(const std::filesystem::path& file) {
  throw Failure(Exit::io, fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
}

Descriptor create(const std::filesystem::path& file) {
  Descriptor created(open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!created) fail(file);
  return created;
}

void write_all(const Descriptor& to, wire::Bytes bytes, const std::filesystem::path& file) {
  while (!bytes.empty()) {
    const auto size = write(to.get(), bytes.data(), bytes.size());
    if (size < 0) fail(file);
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
}

void append(const Descriptor& to, const Descriptor& from, off_t begin, const std::filesystem::path& file) {
  if (lseek(from.get(), begin, SEEK_SET) != begin) fail(file);
  std::vector<std::uint8_t> buffer(kBuffer);
  for (;;) {
    const auto size = read(from.get(), buffer.data(), buffer.size());
    if (size < 0) fail(file);
    if (size == 0) return;
    write_all(to, wire::Bytes(buffer).first(static_cast<std::size_t>(size)), file);
  }
}

}  // namespace

PacketWriter::PacketWriter(std::filesystem::path file, std::vector<Interface> interfaces, std::chrono::nanoseconds zero,
                           const Redaction& redaction)
    : PacketWriter(std::move(file), std::move(interfaces), zero, redaction, Limits{}) {}

PacketWriter::PacketWriter(std::filesystem::path file, std::vector<Interface> interfaces, std::chrono::nanoseconds zero,
                           const Redaction& redaction, const Limits& limits)
    : file_(std::move(file)),
      waiting_file_(file_.string() + ".waiting"),
      interfaces_(std::move(interfaces)),
      zero_(zero),
      limits_(limits),
      masking_(redaction),
      waiting_(create(waiting_file_)) {
  if (lseek(waiting_.get(), kHead, SEEK_SET) != kHead) fail(waiting_file_);
}

PacketWriter::~PacketWriter() { unlink(waiting_file_.c_str()); }

void PacketWriter::take(const Packet& packet) {
  auto bytes = packet.bytes;
  const auto size = written_ + held_bytes_;
  if (size > limits_.file_bytes) {
    ++lost_;
    return;
  }
  if (size > limits_.whole_bytes) bytes = bytes.first(std::min(bytes.size(), kBeginning));
  held_.push_back({packet.at, packet.interface, packet.outgoing, packet.length, {bytes.begin(), bytes.end()}});
  order_.emplace(packet.at, first_ + held_.size() - 1);
  held_bytes_ += bytes.size();
  masking_.mask(held_, first_);
  while (held_bytes_ > limits_.held_bytes) write_first();
}

void PacketWriter::write_up_to(std::chrono::nanoseconds time) {
  while (!order_.empty() && order_.begin()->first <= time) write_first();
}

void PacketWriter::write_first() {
  auto& packet = held_[order_.begin()->second - first_];
  const auto before = buffer_.size();
  wire::write_block(
      buffer_, wire::PcapngPacket{packet.interface, static_cast<std::uint64_t>((zero_ + packet.at).count()),
                                  packet.bytes, packet.length,
                                  packet.outgoing ? wire::PcapngDirection::outbound : wire::PcapngDirection::inbound});
  written_ += buffer_.size() - before;
  held_bytes_ -= packet.bytes.size();
  packet.bytes = {};
  order_.erase(order_.begin());
  // Frames have bytes, all of them.
  while (!held_.empty() && held_.front().bytes.empty()) {
    held_.pop_front();
    ++first_;
  }
  if (buffer_.size() >= kBuffer) flush();
}

void PacketWriter::flush() {
  write_all(waiting_, buffer_, waiting_file_);
  buffer_.clear();
}

void PacketWriter::finish(const std::string& key_log, const std::vector<std::pair<Address, std::string>>& names) {
  while (!order_.empty()) write_first();
  flush();
  std::vector<std::uint8_t> head;
  wire::write_block(head, wire::PcapngSection{.application = "crypelab", .comment = clock_comment(zero_)});
  std::vector<std::uint8_t> rest;
  for (const auto& interface : interfaces_) {
    wire::write_block(rest, wire::PcapngInterface{interface.name, std::string(to_string(interface.kind))});
  }
  if (!names.empty()) wire::write_block(rest, wire::PcapngNames{names});
  if (!key_log.empty()) wire::write_block(rest, wire::PcapngSecrets{key_log});
  const bool fits = head.size() + rest.size() + wire::smallest_filler <= kHead;
  if (fits) wire::write_filler(head, kHead - head.size() - rest.size());
  head.insert(head.end(), rest.begin(), rest.end());
  if (fits) {
    if (lseek(waiting_.get(), 0, SEEK_SET) != 0) fail(waiting_file_);
    write_all(waiting_, head, waiting_file_);
  }
  if (!fits || link(waiting_file_.c_str(), file_.c_str()) != 0) {
    if (fits && errno != EPERM) fail(file_);  // EPERM: a file system without links
    const auto whole = create(file_);
    write_all(whole, head, file_);
    append(whole, waiting_, kHead, file_);
  }
  unlink(waiting_file_.c_str());
}

}  // namespace crypelab::evidence
