#pragma once

#include "harness/base/address.h"
#include "harness/evidence/attempt.h"
#include "harness/model/verdict.h"
#include "harness/wire/client_hello.h"
#include "harness/wire/packet.h"
#include "harness/wire/stun_message.h"

#include <optional>
#include <string>
#include <vector>

// What passed between a host and somebody else over one UDP or TCP conversation, as one interface saw it. Decoded once;
// every check reads from here.
namespace crypelab::judge {

using model::Moment;

// A STUN or TURN message; `nested`: a check between the peers that came inside TURN.
struct StunNote {
  Moment at{0};
  bool outgoing = false;
  bool nested = false;
  wire::StunClass message_class{};
  wire::StunMethod method{};
  wire::TransactionId transaction{};
  unsigned error = 0;  // ERROR-CODE, or 0
  std::optional<std::uint32_t> lifetime;
  std::optional<Endpoint> peer;  // XOR-PEER-ADDRESS; of a nested one, the peer that it is exchanged with
  std::optional<Endpoint> mapped;
  std::optional<Endpoint> relayed;
  std::optional<std::uint16_t> channel;
  std::string username;
  std::string nonce;
  bool integrity = false;
  bool fingerprint = false;
  bool priority = false;
  bool role = false;
  bool use_candidate = false;
  bool requested_transport = false;
  bool requested_family = false;
  bool additional_family = false;

  bool is(wire::StunMethod m, wire::StunClass c) const { return method == m && message_class == c; }
  bool request(wire::StunMethod m) const { return is(m, wire::StunClass::request); }
  // A connectivity check: a Binding request with a user name (RFC 8445 section 7.2.2).
  bool check() const { return request(wire::StunMethod::binding) && !username.empty(); }
};

// What carries an application's bytes: a DTLS record of application data wherever it is visible, or a TLS one.
struct DataNote {
  Moment at{0};
  bool outgoing = false;
  std::uint32_t size = 0;
  std::optional<Endpoint> peer;  // through a relay that shows it: whom it goes to or comes from
};

// A request to a proxy, and its answer.
struct ConnectNote {
  Moment at{0};
  std::string method;
  std::string target;
  std::string scheme;   // of its credentials, in small letters; empty: none
  unsigned status = 0;  // 0: never answered
  Moment answered{0};
  std::string offered;         // the schemes of Proxy-Authenticate, in order
  std::string offered_before;  // by the answer before it on this connection
  bool alpn = false;           // it has an ALPN field (RFC 7639)
};

// A question to a resolver, and its answer.
struct DnsNote {
  Moment at{0};
  std::string name;
  bool v6 = false;
  std::optional<Moment> answered;
  unsigned code = 0;  // RFC 1035 section 4.1.1
  std::size_t addresses = 0;
};

struct TlsNote {
  std::optional<wire::ClientHello> hello;
  Moment hello_at{0};
  std::optional<Moment> server_hello;
  std::optional<Moment> data_began;  // the first outgoing record of application data
  std::uint64_t records_out = 0;     // of application data
  std::uint64_t records_in = 0;
  std::optional<unsigned> alert_out;  // its description, where it is not encrypted
  std::optional<unsigned> alert_in;
};

enum class Opening {
  none,    // no byte was sent
  stun,    // STUN or TURN
  framed,  // ICE over TCP (RFC 4571)
  tls,
  http,
  dtls,
  other,
};

struct Flow {
  std::uint32_t interface = 0;
  std::uint8_t protocol = 0;  // wire::ip_protocol
  Endpoint near;              // of the interface's host
  Endpoint far;
  bool outgoing = true;  // its first packet was sent by the host
  Moment began{0};
  Moment ended{0};
  std::uint64_t packets_out = 0;
  std::uint64_t packets_in = 0;

  // Of TCP.
  std::optional<Moment> established;  // SYN and ACK came back
  std::optional<Moment> reset_in;
  std::optional<Moment> reset_out;
  std::optional<Moment> fin_in;
  std::optional<Moment> fin_out;
  std::optional<std::pair<Moment, std::string>> icmp;  // the first error that came back, in words

  std::vector<ConnectNote> connects;
  std::optional<Moment> tunnel;     // since when what follows is a tunnel's
  std::uint64_t after_refusal = 0;  // bytes sent behind a refusal that are no request
  Opening opening = Opening::none;  // of the innermost stream that can be seen
  std::string first_bytes;          // its first eight bytes, in hexadecimal
  std::optional<TlsNote> tls;
  std::vector<DnsNote> dns;
  std::vector<StunNote> stun;
  unsigned indications = 0;  // Send and Data; not all of them are among `stun`
  std::vector<DataNote> data;
  bool unread = false;  // some of it could not be read: cut by the capture, or beyond what is noted of a flow
  std::optional<std::string> broken_framing;  // of TURN over TCP, of what the host sent: why it cannot be read on

  bool tcp() const { return protocol == wire::ip_protocol::tcp; }
  // The target of the tunnel, "host:port"; empty: there is none.
  std::string tunnel_target() const { return tunnel && !connects.empty() ? connects.back().target : std::string(); }
};

// In order of their first packets.
std::vector<Flow> decode_flows(const evidence::Attempt& attempt);

}  // namespace crypelab::judge
