#include "harness/probe/binding_server.h"

#include <algorithm>
#include <array>

namespace crypelab::probe {
namespace {

using wire::StunAttribute;

constexpr std::array kUnderstood{StunAttribute::change_request, StunAttribute::response_port, StunAttribute::padding};
constexpr std::array kUnderstoodOverStreams{StunAttribute::padding};

std::optional<std::size_t> find_socket(std::span<const Endpoint> sockets, const Endpoint& local) {
  const auto found = std::ranges::find(sockets, local);
  if (found == sockets.end()) return std::nullopt;
  return static_cast<std::size_t>(found - sockets.begin());
}

BindingAnswer refuse(const wire::StunMessage& request, std::size_t socket, const Endpoint& to, unsigned code,
                     std::string_view reason, std::span<const StunAttribute> unknown) {
  std::array<std::uint8_t, 512> buffer{};
  wire::StunWriter writer(buffer, wire::StunClass::error, wire::StunMethod::binding, request.transaction());
  writer.add_error(code, reason);
  if (!unknown.empty()) writer.add_unknown_attributes(unknown.first(std::min<std::size_t>(unknown.size(), 16)));
  const auto bytes = writer.bytes();
  return {{bytes.begin(), bytes.end()}, socket, to, request.transaction()};
}

}  // namespace

std::optional<Endpoint> other_endpoint(std::span<const Endpoint> sockets, const Endpoint& local) {
  // Diagonally opposite, and both corners in between are there too.
  for (const auto& candidate : sockets) {
    if (candidate.address.family() != local.address.family() || candidate.address == local.address) continue;
    if (candidate.port == local.port) continue;
    if (find_socket(sockets, {local.address, candidate.port}) &&
        find_socket(sockets, {candidate.address, local.port})) {
      return candidate;
    }
  }
  return std::nullopt;
}

std::optional<BindingAnswer> answer_binding(std::span<const Endpoint> sockets, std::size_t socket, const Endpoint& from,
                                            wire::Bytes bytes, bool stream) {
  const auto request = wire::StunMessage::parse(bytes);
  if (!request || !request->is(wire::StunMethod::binding, wire::StunClass::request)) return std::nullopt;
  const auto unknown =
      stream ? request->unknown_required(kUnderstoodOverStreams) : request->unknown_required(kUnderstood);
  if (!unknown.empty()) return refuse(*request, socket, from, 420, "Unknown Attribute", unknown);

  const auto padding = request->find(StunAttribute::padding);
  const auto response_port = request->number16(StunAttribute::response_port);
  if (padding && response_port) {  // RFC 5780 section 6.1
    return refuse(*request, socket, from, 400, "PADDING and RESPONSE-PORT exclude each other", {});
  }

  const Endpoint local = sockets[socket];
  const auto other = other_endpoint(sockets, local);
  Endpoint origin = local;
  if (const auto value = request->find(StunAttribute::change_request)) {
    const auto change = wire::decode_change_request(*value);
    if (!change) return refuse(*request, socket, from, 400, "CHANGE-REQUEST is malformed", {});
    if ((change->address || change->port) && !other) {
      return refuse(*request, socket, from, 420, "Unknown Attribute", std::array{StunAttribute::change_request});
    }
    if (change->address) origin.address = other->address;
    if (change->port) origin.port = other->port;
  }

  std::vector<std::uint8_t> buffer(bytes.size() + 92);
  wire::StunWriter writer(buffer, wire::StunClass::success, wire::StunMethod::binding, request->transaction());
  writer.add_address(StunAttribute::xor_mapped_address, from);
  writer.add_address(StunAttribute::response_origin, origin);
  if (other) writer.add_address(StunAttribute::other_address, *other);
  if (padding) writer.add_space(StunAttribute::padding, padding->size());
  buffer.resize(writer.bytes().size());
  return BindingAnswer{std::move(buffer), find_socket(sockets, origin).value_or(socket),
                       response_port ? Endpoint{from.address, *response_port} : from, request->transaction()};
}

}  // namespace crypelab::probe
