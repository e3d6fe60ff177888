#include "harness/probe/packet.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr std::uint32_t kMagic = 0x4352594D;  // "CRYM"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kReportFixed = 6 * 4 + 8 + bin_count * 4;

}  // namespace

std::vector<std::uint8_t> encode_packet(const Packet& packet, std::size_t size) {
  std::vector<std::uint8_t> bytes(std::max(size, packet_header_size));
  wire::store(bytes, 0, kMagic);
  bytes[4] = kVersion;
  bytes[5] = static_cast<std::uint8_t>(packet.kind);
  wire::store(bytes, 8, packet.session);
  wire::store(bytes, 16, packet.number);
  wire::store(bytes, 20, packet.parameter);
  wire::store(bytes, 24, packet.microseconds);
  return bytes;
}

std::optional<Packet> decode_packet(wire::Bytes bytes) {
  if (bytes.size() < packet_header_size || wire::load<std::uint32_t>(bytes, 0) != kMagic || bytes[4] != kVersion) {
    return std::nullopt;
  }
  if (bytes[5] < static_cast<std::uint8_t>(Kind::hello) || bytes[5] > static_cast<std::uint8_t>(Kind::want_big)) {
    return std::nullopt;
  }
  return Packet{static_cast<Kind>(bytes[5]), wire::load<std::uint64_t>(bytes, 8), wire::load<std::uint32_t>(bytes, 16),
                wire::load<std::uint32_t>(bytes, 20), wire::load<std::uint64_t>(bytes, 24)};
}

std::vector<std::uint8_t> encode_report(const Packet& packet, const Report& report) {
  auto bytes = encode_packet(packet, packet_header_size + kReportFixed + numbers_per_report / 8);
  const auto body = std::span(bytes).subspan(packet_header_size);
  wire::store(body, 0, report.base);
  wire::store(body, 4, report.received);
  wire::store(body, 8, report.duplicated);
  wire::store(body, 12, report.reordered);
  wire::store(body, 16, report.returned);
  wire::store(body, 20, report.too_big);
  wire::store(body, 24, report.bytes);
  for (std::size_t i = 0; i < bin_count; ++i) wire::store(body, 32 + 4 * i, report.bins[i]);
  std::copy_n(report.seen.begin(), std::min<std::size_t>(report.seen.size(), numbers_per_report / 8),
              body.begin() + kReportFixed);
  return bytes;
}

std::optional<Report> decode_report(wire::Bytes bytes) {
  const auto packet = decode_packet(bytes);
  if (!packet || packet->kind != Kind::report) return std::nullopt;
  const auto body = bytes.subspan(packet_header_size);
  if (body.size() != kReportFixed + numbers_per_report / 8) return std::nullopt;
  Report report;
  report.base = wire::load<std::uint32_t>(body, 0);
  report.received = wire::load<std::uint32_t>(body, 4);
  report.duplicated = wire::load<std::uint32_t>(body, 8);
  report.reordered = wire::load<std::uint32_t>(body, 12);
  report.returned = wire::load<std::uint32_t>(body, 16);
  report.too_big = wire::load<std::uint32_t>(body, 20);
  report.bytes = wire::load<std::uint64_t>(body, 24);
  for (std::size_t i = 0; i < bin_count; ++i) report.bins[i] = wire::load<std::uint32_t>(body, 32 + 4 * i);
  report.seen.assign(body.begin() + kReportFixed, body.end());
  return report;
}

}  // namespace crypelab::probe
