// Reads any bytes as a STUN message; what reads must be consistent, and what is copied by the writer must read alike.
#include "harness/wire/stun.h"

#include <cstdlib>

using namespace crypelab::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  const auto message = StunMessage::parse(bytes);
  if (!message) return 0;
  std::vector<std::uint8_t> copy(size);
  StunWriter writer(copy, message->message_class(), message->method(), message->transaction());
  std::size_t count = 0;
  for (const auto attribute : message->all_attributes()) {
    writer.add(attribute.type, attribute.value);
    ++count;
  }
  if (writer.bytes().size() != size) std::abort();
  const auto again = StunMessage::parse(writer.bytes());
  if (!again) std::abort();
  for (const auto attribute : message->attributes()) {
    if (!again->has(attribute.type)) std::abort();
    message->address(attribute.type);
    message->text(attribute.type);
    message->number16(attribute.type);
    message->number32(attribute.type);
    message->number64(attribute.type);
    message->family(attribute.type);
    message->password_algorithms(attribute.type);
    decode_address_error(attribute.value);
    decode_icmp(attribute.value);
    decode_change_request(attribute.value);
    decode_even_port(attribute.value);
    decode_protocol(attribute.value);
    decode_unknown_attributes(attribute.value);
  }
  message->error();
  if (message->unknown_required().size() > count) std::abort();
  const Bytes key = bytes_of("key");
  check_integrity(*message, key);
  check_integrity_sha256(*message, key, 16);
  check_fingerprint(*message);
  if (const auto nonce = message->text(StunAttribute::nonce)) security_features(*nonce);
  if (const auto user = message->text(StunAttribute::username)) {
    const auto prepared = opaque_string(*user);
    if (prepared && *opaque_string(*prepared) != *prepared) std::abort();
  }
  return 0;
}
