#pragma once

#include "clients/reference/random.h"
#include "clients/reference/stun/long_term.h"
#include "clients/reference/stun/retransmission.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::client::stun {

// Where a core's messages go: one 5-tuple. Called from within the core's functions; must not call back into it.
class Output {
 public:
  virtual ~Output() = default;
  // One whole message, valid during the call. Over TCP and TLS the messages follow each other as they are.
  virtual void send(wire::Bytes message) = 0;
};

// 300 Try Alternate (RFC 8489 §10): same transport, same credentials; over TLS the certificate may be for `domain` or
// for the name first asked.
struct Redirect {
  Endpoint server;
  std::string domain;  // empty: none was told
  bool operator==(const Redirect&) const = default;
};

using RequestId = std::uint64_t;

// How a request ended.
struct Completion {
  enum class Result {
    success,
    error,           // the server refused: `code`, `reason`
    redirect,        // 300: `redirect`
    timeout,         // no answer
    integrity,       // answers came, none was authentic (RFC 8489 §9.2.5); over TCP and TLS at the first one
    credentials,     // 401 in spite of credentials, or without having any
    bid_down,        // the list of password algorithms was taken away, or holds none that is known
    malformed,       // a success with an unknown comprehension-required attribute (§6.3.3), an error without code
    transport_lost,  // see Requester::transport_lost
  };
  RequestId id = 0;
  Result result = Result::success;
  unsigned code = 0;  // for `integrity` the code of the answer that was discarded, if it had one
  std::string reason;
  std::optional<Redirect> redirect;
  // The answer; its views hold as long as the bytes that were given to `receive`.
  std::optional<wire::StunMessage> answer;
};

// The requests that run over one 5-tuple to one server: retransmission over UDP (RFC 8489 §6.2.1), waiting over TCP and
// TLS (§6.2.2), long-term credentials (§9.2.5), bounded retries on 401, 438 and 5xx (§6.3.4). A retry is a new
// transaction of the same request.
class Requester {
 public:
  struct Settings {
    Timing timing;
    Misbehaviour misbehaviour;
    std::string software;  // SOFTWARE; empty: none
    bool fingerprint = true;
  };
  static constexpr unsigned most_server_errors = 4;  // RFC 8489 §6.3.4
  static constexpr unsigned most_challenges = 4;
  static constexpr std::size_t most_pending = 1'024;
  static constexpr std::size_t largest_answer = 8'192;   // more is ignored: no server needs it
  static constexpr std::size_t largest_request = 1'200;  // U-28

  Requester(Settings settings, std::optional<LongTerm> account, Random& random, Output& out);

  using Fill = std::function<void(wire::StunWriter&)>;
  // Sends at once. `fill` adds the method's own attributes, once for every transaction. 0 when `most_pending` are
  // under way.
  RequestId start(wire::StunMethod method, Fill fill, Time now);
  // Forgets it; an answer is then ignored.
  void cancel(RequestId id);

  // A success or error answer that arrived on this 5-tuple. Nothing when it completes no request.
  std::optional<Completion> receive(const wire::StunMessage& answer, Time now);
  // At `next()` or later: sends what is due, and gives a request that has ended, until there is none.
  std::optional<Completion> wake(Time now);
  std::optional<Time> next() const;

  // The connection failed, was reset or closed: what is under way ends at once (RFC 8489 §6.2.2), through `wake`.
  void transport_lost(Time now);

  const std::optional<LongTerm>& account() const { return account_; }

 private:
  struct Pending {
    wire::StunMethod method{};
    Fill fill;
    wire::TransactionId transaction{};
    std::vector<std::uint8_t> bytes;
    std::optional<Retransmission> retransmission;  // absent: waits until `again` to be sent as a new transaction
    Time again{};
    bool is_signed = false;
    unsigned challenges = 0;
    unsigned server_errors = 0;
    bool saw_unauthentic = false;
    unsigned unauthentic_code = 0;
  };
  using Entry = std::map<RequestId, Pending>::iterator;

  void transmit(Pending& pending, Time now);
  std::optional<Completion> take_challenge(Entry entry, const wire::StunMessage& answer, Time now);
  std::optional<Completion> take_error(Entry entry, const wire::StunMessage& answer, Time now);
  Completion finish(Entry entry, Completion completion);
  bool trusts(const Pending& pending, const wire::StunMessage& answer) const;

  Settings settings_;
  std::optional<LongTerm> account_;
  Random& random_;
  Output& out_;
  std::map<RequestId, Pending> pending_;
  std::map<wire::TransactionId, RequestId> by_transaction_;
  RequestId last_ = 0;
  std::optional<Time> lost_at_;
};

}  // namespace crypelab::client::stun
