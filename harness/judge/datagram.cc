#include "harness/judge/datagram.h"

#include "harness/wire/dns.h"
#include "harness/wire/turn_frame.h"

#include <algorithm>

namespace crypelab::judge {
namespace {

using wire::StunAttribute;
using wire::StunMethod;

// RFC 6347 section 4.1: content type, version, epoch, sequence number, length.
constexpr std::size_t kDtlsHeader = 13;
constexpr std::uint8_t kDtlsApplicationData = 23;
constexpr unsigned kMostIndications = 64;

bool looks_like_dtls(wire::Bytes bytes) { return bytes.size() >= kDtlsHeader && bytes[0] >= 20 && bytes[0] <= 63; }

void note_stun(Flow& flow, const wire::StunMessage& message, Moment at, bool outgoing, bool nested,
               std::optional<Endpoint> peer) {
  if (flow.stun.size() >= kMostNotes) {
    flow.unread = true;
    return;
  }
  StunNote note{.at = at, .outgoing = outgoing, .nested = nested};
  note.message_class = message.message_class();
  note.method = message.method();
  note.transaction = message.transaction();
  if (const auto error = message.error()) note.error = error->code;
  note.lifetime = message.number32(StunAttribute::lifetime);
  note.peer = nested ? peer : message.address(StunAttribute::xor_peer_address);
  note.mapped = message.address(StunAttribute::xor_mapped_address);
  note.relayed = message.address(StunAttribute::xor_relayed_address);
  note.channel = message.number16(StunAttribute::channel_number);
  note.username = std::string(message.text(StunAttribute::username).value_or(""));
  note.nonce = std::string(message.text(StunAttribute::nonce).value_or(""));
  note.integrity = message.integrity_offset() || message.integrity_sha256_offset();
  note.fingerprint = message.fingerprint_offset().has_value();
  note.priority = message.has(StunAttribute::priority);
  note.role = message.has(StunAttribute::ice_controlled) || message.has(StunAttribute::ice_controlling);
  note.use_candidate = message.has(StunAttribute::use_candidate);
  note.requested_transport = message.has(StunAttribute::requested_transport);
  note.requested_family = message.has(StunAttribute::requested_address_family);
  note.additional_family = message.has(StunAttribute::additional_address_family);
  flow.stun.push_back(std::move(note));
}

// What two peers exchange: checks, DTLS.
void note_between_peers(Flow& flow, wire::Bytes message, std::size_t size, Moment at, bool outgoing, bool nested,
                        std::optional<Endpoint> peer) {
  if (looks_like_dtls(message)) {
    if (message[0] == kDtlsApplicationData) note_data(flow, {at, outgoing, static_cast<std::uint32_t>(size), peer});
    return;
  }
  if (const auto stun = wire::StunMessage::parse(message)) {
    note_stun(flow, *stun, at, outgoing, nested, peer);
  } else if (message.size() < size) {
    flow.unread = true;
  }
}

// Whom a channel stands for: the last ChannelBind of this flow says so.
std::optional<Endpoint> peer_of_channel(const Flow& flow, std::uint16_t channel) {
  for (auto it = flow.stun.rbegin(); it != flow.stun.rend(); ++it) {
    if (it->request(StunMethod::channel_bind) && it->channel == channel) return it->peer;
  }
  return std::nullopt;
}

}  // namespace

void note_data(Flow& flow, const DataNote& note) {
  if (flow.data.size() >= kMostNotes) {
    flow.unread = true;
  } else {
    flow.data.push_back(note);
  }
}

void note_dns(Flow& flow, wire::Bytes message, std::size_t size, Moment at, bool outgoing) {
  if (message.size() < size) flow.unread = true;
  if (outgoing) {
    const auto question = wire::parse_dns_question(message);
    if (question && flow.dns.size() < kMostNotes)
      flow.dns.push_back({.at = at, .name = question->name, .v6 = question->type == wire::DnsType::aaaa});
    return;
  }
  const auto answer = wire::parse_dns_answer(message);
  if (!answer) return;
  for (auto& note : flow.dns) {
    if (note.answered || note.name != answer->name || note.v6 != (answer->type == wire::DnsType::aaaa)) continue;
    note.answered = at;
    note.code = static_cast<unsigned>(answer->code);
    note.addresses = answer->addresses.size();
    return;
  }
}

void note_message(Flow& flow, wire::Bytes message, std::size_t size, Moment at, bool outgoing) {
  if (wire::looks_like_channel_data(message)) {
    if (message.size() < wire::channel_data_header_size) return;
    const auto length = wire::load<std::uint16_t>(message, 2);  // RFC 8656 section 12.4: of the data alone
    const auto payload = message.subspan(wire::channel_data_header_size);
    if (wire::channel_data_header_size + length > size) return;
    note_between_peers(flow, payload.first(std::min<std::size_t>(payload.size(), length)), length, at, outgoing, true,
                       peer_of_channel(flow, wire::load<std::uint16_t>(message, 0)));
    return;
  }
  const auto stun = wire::StunMessage::parse(message);
  if (!stun) return note_between_peers(flow, message, size, at, outgoing, false, std::nullopt);
  const bool carries = stun->is(StunMethod::send, wire::StunClass::indication) ||
                       stun->is(StunMethod::data, wire::StunClass::indication);
  // Of what carries data a few are enough to tell whether it was allowed to.
  if (!carries || flow.indications++ < kMostIndications) note_stun(flow, *stun, at, outgoing, false, std::nullopt);
  if (!carries) return;
  if (const auto inner = stun->find(StunAttribute::data))
    note_between_peers(flow, *inner, inner->size(), at, outgoing, true, stun->address(StunAttribute::xor_peer_address));
}

}  // namespace crypelab::judge
