#pragma once

#include "harness/judge/byte_order.h"
#include "harness/judge/flow.h"
#include "harness/judge/socks.h"
#include "harness/wire/http_head.h"
#include "harness/wire/turn_frame.h"

#include <variant>

namespace crypelab::judge {

// Reads a TCP connection as its bytes come: requests to a proxy and their answers, and what follows them: TLS, TURN,
// ICE over TCP.
class Stream {
 public:
  void begin(std::uint32_t sequence, bool outgoing) { order_[outgoing ? 1 : 0].begin(sequence); }
  void feed(Flow& flow, std::uint32_t sequence, wire::Bytes payload, Moment at, bool outgoing);
  // Of a segment only the beginning was kept: where the next message begins nobody knows.
  void lose(Flow& flow);

 private:
  enum class Stage { undecided, proxy, socks, tls, turn, framed, opaque };
  struct TlsSide {  // RFC 8446 section 5.1: type, version, length, content
    std::vector<std::uint8_t> header;
    std::size_t left = 0;
    std::uint8_t type = 0;
    std::size_t length = 0;
    std::vector<std::uint8_t> content;  // of an alert or the first bytes of a handshake message
    bool lost = false;                  // out of step: not TLS
  };

  void take(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing);
  void decide(Flow& flow, Moment at);
  void take_request(Flow& flow, wire::Bytes bytes, Moment at);
  void take_answer(Flow& flow, wire::Bytes bytes, Moment at);
  void take_socks(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing);
  void take_tls(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing);
  void end_record(Flow& flow, TlsSide& side, Moment at, bool outgoing);
  void take_turn(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing);
  void take_framed(Flow& flow, wire::Bytes bytes, Moment at, bool outgoing);

  ByteOrder order_[2];
  Stage stage_ = Stage::undecided;
  std::vector<std::uint8_t> opening_;  // what the host sent before it is known what it is
  Socks socks_;
  wire::HttpRequestParser request_;
  wire::HttpResponseParser answer_;
  bool awaiting_ = false;            // a request has no answer yet
  std::vector<std::uint8_t> ahead_;  // what was sent behind it until then
  std::size_t body_left_ = 0;        // of an answer
  wire::ClientHelloParser hello_;
  TlsSide tls_[2];
  wire::TurnStream turn_[2];
  wire::LengthStream framed_[2];
};

}  // namespace crypelab::judge
