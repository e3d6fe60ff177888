#include "harness/wire/stun_types.h"

namespace crypelab::wire {

std::string_view name_of(StunClass message_class) {
  switch (message_class) {
    case StunClass::request:
      return "request";
    case StunClass::indication:
      return "indication";
    case StunClass::success:
      return "success response";
    case StunClass::error:
      return "error response";
  }
  return {};
}

std::string_view name_of(StunMethod method) {
  switch (method) {
    case StunMethod::binding:
      return "Binding";
    case StunMethod::allocate:
      return "Allocate";
    case StunMethod::refresh:
      return "Refresh";
    case StunMethod::send:
      return "Send";
    case StunMethod::data:
      return "Data";
    case StunMethod::create_permission:
      return "CreatePermission";
    case StunMethod::channel_bind:
      return "ChannelBind";
  }
  return {};
}

std::string_view name_of(StunAttribute type) {
  switch (type) {
    case StunAttribute::mapped_address:
      return "MAPPED-ADDRESS";
    case StunAttribute::change_request:
      return "CHANGE-REQUEST";
    case StunAttribute::username:
      return "USERNAME";
    case StunAttribute::message_integrity:
      return "MESSAGE-INTEGRITY";
    case StunAttribute::error_code:
      return "ERROR-CODE";
    case StunAttribute::unknown_attributes:
      return "UNKNOWN-ATTRIBUTES";
    case StunAttribute::channel_number:
      return "CHANNEL-NUMBER";
    case StunAttribute::lifetime:
      return "LIFETIME";
    case StunAttribute::xor_peer_address:
      return "XOR-PEER-ADDRESS";
    case StunAttribute::data:
      return "DATA";
    case StunAttribute::realm:
      return "REALM";
    case StunAttribute::nonce:
      return "NONCE";
    case StunAttribute::xor_relayed_address:
      return "XOR-RELAYED-ADDRESS";
    case StunAttribute::requested_address_family:
      return "REQUESTED-ADDRESS-FAMILY";
    case StunAttribute::even_port:
      return "EVEN-PORT";
    case StunAttribute::requested_transport:
      return "REQUESTED-TRANSPORT";
    case StunAttribute::dont_fragment:
      return "DONT-FRAGMENT";
    case StunAttribute::message_integrity_sha256:
      return "MESSAGE-INTEGRITY-SHA256";
    case StunAttribute::password_algorithm:
      return "PASSWORD-ALGORITHM";
    case StunAttribute::userhash:
      return "USERHASH";
    case StunAttribute::xor_mapped_address:
      return "XOR-MAPPED-ADDRESS";
    case StunAttribute::reservation_token:
      return "RESERVATION-TOKEN";
    case StunAttribute::priority:
      return "PRIORITY";
    case StunAttribute::use_candidate:
      return "USE-CANDIDATE";
    case StunAttribute::padding:
      return "PADDING";
    case StunAttribute::response_port:
      return "RESPONSE-PORT";
    case StunAttribute::additional_address_family:
      return "ADDITIONAL-ADDRESS-FAMILY";
    case StunAttribute::address_error_code:
      return "ADDRESS-ERROR-CODE";
    case StunAttribute::password_algorithms:
      return "PASSWORD-ALGORITHMS";
    case StunAttribute::alternate_domain:
      return "ALTERNATE-DOMAIN";
    case StunAttribute::icmp:
      return "ICMP";
    case StunAttribute::software:
      return "SOFTWARE";
    case StunAttribute::alternate_server:
      return "ALTERNATE-SERVER";
    case StunAttribute::fingerprint:
      return "FINGERPRINT";
    case StunAttribute::ice_controlled:
      return "ICE-CONTROLLED";
    case StunAttribute::ice_controlling:
      return "ICE-CONTROLLING";
    case StunAttribute::response_origin:
      return "RESPONSE-ORIGIN";
    case StunAttribute::other_address:
      return "OTHER-ADDRESS";
  }
  return {};
}

}  // namespace crypelab::wire
