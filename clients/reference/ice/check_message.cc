#include "clients/reference/ice/check_message.h"

namespace crypelab::client::ice {

using wire::StunAttribute;
using wire::StunClass;
using wire::StunMethod;

wire::Bytes write_check(CheckBuffer& buffer, const wire::TransactionId& transaction, const CheckRequest& request,
                        const Credentials& from, const Credentials& to, const Misbehaviour& misbehaviour) {
  wire::StunWriter writer(buffer, StunClass::request, StunMethod::binding, transaction);
  writer.add_text(StunAttribute::username, to.ufrag + ":" + from.ufrag);
  if (!misbehaviour.breaks(Rule::i08)) {
    writer.add_u32(StunAttribute::priority, request.priority);
    writer.add_u64(request.controlling ? StunAttribute::ice_controlling : StunAttribute::ice_controlled,
                   request.tiebreaker);
  }
  if (request.use_candidate) writer.add(StunAttribute::use_candidate);
  writer.add_integrity(wire::short_term_key(to.password));
  if (!misbehaviour.breaks(Rule::i10)) writer.add_fingerprint();
  return writer.bytes();
}

wire::Bytes write_check_success(CheckBuffer& buffer, const wire::TransactionId& transaction, const Endpoint& mapped,
                                const Credentials& own) {
  wire::StunWriter writer(buffer, StunClass::success, StunMethod::binding, transaction);
  return writer.add_address(StunAttribute::xor_mapped_address, mapped)
      .add_integrity(wire::short_term_key(own.password))
      .add_fingerprint()
      .bytes();
}

wire::Bytes write_check_error(CheckBuffer& buffer, const wire::StunMessage& request, unsigned code,
                              const Credentials* own) {
  wire::StunWriter writer(buffer, StunClass::error, StunMethod::binding, request.transaction());
  writer.add_error(code, code == 487 ? "Role Conflict" : "");
  if (code == 420) {
    auto unknown = request.unknown_required();
    unknown.resize(std::min<std::size_t>(unknown.size(), 32));
    writer.add_unknown_attributes(unknown);
  }
  if (own != nullptr) writer.add_integrity(wire::short_term_key(own->password));
  return writer.add_fingerprint().bytes();
}

wire::Bytes write_keepalive(CheckBuffer& buffer, const wire::TransactionId& transaction) {
  wire::StunWriter writer(buffer, StunClass::indication, StunMethod::binding, transaction);
  return writer.add_fingerprint().bytes();
}

std::string_view addressee(const wire::StunMessage& request) {
  const auto name = request.text(StunAttribute::username).value_or(std::string_view{});
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? std::string_view{} : name.substr(0, colon);
}

ReadCheck read_check(const wire::StunMessage& message, const Credentials& own) {
  // §7.2.4: FINGERPRINT is a MUST; what lacks it may be anything.
  if (wire::check_fingerprint(message) != wire::StunCheck::valid) return {};
  if (!message.has(StunAttribute::username) || !message.has(StunAttribute::message_integrity)) return {.code = 400};
  if (addressee(message) != own.ufrag ||
      wire::check_integrity(message, wire::short_term_key(own.password)) != wire::StunCheck::valid) {
    return {.code = 401};
  }
  if (!message.unknown_required().empty()) return {.code = 420};
  ReadCheck read{.good = true};
  const auto controlling = message.number64(StunAttribute::ice_controlling);
  const auto controlled = message.number64(StunAttribute::ice_controlled);
  read.has_role = controlling.has_value() != controlled.has_value();
  const auto priority = message.number32(StunAttribute::priority);
  if (!read.has_role || !priority) return {.code = 400};  // §7.1.1, §7.1.3: both are MUSTs
  read.request = {*priority, controlling.has_value(), controlling.value_or(controlled.value_or(0)),
                  message.has(StunAttribute::use_candidate)};
  return read;
}

}  // namespace crypelab::client::ice
