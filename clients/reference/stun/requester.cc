#include "clients/reference/stun/requester.h"

#include <array>

namespace crypelab::client::stun {

using wire::StunAttribute;
using wire::StunClass;
using Result = Completion::Result;

namespace {

// A misbehaving client must not spin for ever either.
constexpr unsigned most_bad_challenges = 20;

Timing adjusted(Timing timing, const Misbehaviour& misbehaviour) {
  if (misbehaviour.breaks(Rule::s02)) timing.reliable = false;
  if (misbehaviour.breaks(Rule::s01) && !timing.reliable) {
    timing.rto = 100ms;
    timing.rc = 40;
    timing.backing_off = false;
  }
  return timing;
}

}  // namespace

Requester::Requester(Settings settings, std::optional<LongTerm> account, Random& random, Output& out)
    : settings_(std::move(settings)), account_(std::move(account)), random_(random), out_(out) {}

RequestId Requester::start(wire::StunMethod method, Fill fill, Time now) {
  if (pending_.size() >= most_pending) return 0;
  const RequestId id = ++last_;
  auto& pending = pending_[id];
  pending.method = method;
  pending.fill = std::move(fill);
  if (lost_at_) {
    pending.again = now;  // told through `wake`
    return id;
  }
  transmit(pending, now);
  by_transaction_[pending.transaction] = id;
  return id;
}

void Requester::transmit(Pending& pending, Time now) {
  by_transaction_.erase(pending.transaction);
  pending.transaction = random_.bytes<12>();
  std::array<std::uint8_t, largest_request> buffer{};
  wire::StunWriter writer(buffer, StunClass::request, pending.method, pending.transaction);
  if (!settings_.software.empty()) writer.add_text(StunAttribute::software, settings_.software);
  pending.fill(writer);
  pending.is_signed = account_ && account_->challenged();
  if (pending.is_signed) account_->sign(writer, settings_.misbehaviour);
  if (settings_.fingerprint) writer.add_fingerprint();
  const auto bytes = writer.bytes();
  pending.bytes.assign(bytes.begin(), bytes.end());
  pending.retransmission.emplace(adjusted(settings_.timing, settings_.misbehaviour), now);
  if (!pending.bytes.empty()) out_.send(pending.bytes);  // too large a user name or nonce: ends as a timeout
}

void Requester::cancel(RequestId id) {
  const auto entry = pending_.find(id);
  if (entry == pending_.end()) return;
  by_transaction_.erase(entry->second.transaction);
  pending_.erase(entry);
}

Completion Requester::finish(Entry entry, Completion completion) {
  completion.id = entry->first;
  by_transaction_.erase(entry->second.transaction);
  pending_.erase(entry);
  return completion;
}

bool Requester::trusts(const Pending& pending, const wire::StunMessage& answer) const {
  if (!pending.is_signed || settings_.misbehaviour.breaks(Rule::s13)) return true;
  return account_->authentic(answer);
}

std::optional<Completion> Requester::receive(const wire::StunMessage& answer, Time now) {
  if (answer.bytes().size() > largest_answer) return std::nullopt;
  const bool success = answer.message_class() == StunClass::success;
  if (!success && answer.message_class() != StunClass::error) return std::nullopt;
  if (wire::check_fingerprint(answer) == wire::StunCheck::invalid) return std::nullopt;
  const auto known = by_transaction_.find(answer.transaction());
  if (known == by_transaction_.end()) return std::nullopt;
  const auto entry = pending_.find(known->second);
  auto& pending = entry->second;
  if (answer.method() != pending.method || !pending.retransmission) return std::nullopt;

  const auto error = answer.error();
  const unsigned code = !success && error ? error->code : 0;
  if (code == 401 || code == 438) return take_challenge(entry, answer, now);

  // RFC 8489 §9.2.5: "for all other responses" a nonce that announces algorithms without the list is ignored.
  if (const auto nonce = answer.text(StunAttribute::nonce)) {
    const auto features = wire::security_features(*nonce);
    if (features && features->password_algorithms && !answer.has(StunAttribute::password_algorithms)) {
      return std::nullopt;
    }
  }
  if (!trusts(pending, answer)) {
    pending.saw_unauthentic = true;
    pending.unauthentic_code = code;
    // A bare 400 is discarded on every transport, anything else ends the transaction where it cannot be repeated.
    const bool bare_400 = code == 400 && !answer.has(StunAttribute::message_integrity) &&
                          !answer.has(StunAttribute::message_integrity_sha256);
    if (!settings_.timing.reliable || bare_400) return std::nullopt;
    return finish(entry, {.result = Result::integrity, .code = code, .reason = "an answer without valid integrity"});
  }
  if (!success) return take_error(entry, answer, now);

  if (!answer.unknown_required().empty() && !settings_.misbehaviour.breaks(Rule::s07)) {
    return finish(entry, {.result = Result::malformed, .reason = "an attribute that must be understood and is not"});
  }
  if (settings_.misbehaviour.breaks(Rule::s06)) {
    for (const auto attribute : answer.attributes()) {
      if (!wire::comprehension_required(attribute.type) && wire::name_of(attribute.type).empty()) {
        return finish(entry, {.result = Result::malformed, .reason = "an optional attribute that is not known"});
      }
    }
  }
  return finish(entry, {.answer = answer});
}

std::optional<Completion> Requester::take_challenge(Entry entry, const wire::StunMessage& answer, Time now) {
  auto& pending = entry->second;
  const auto error = *answer.error();
  Completion refused{.result = Result::credentials, .code = error.code, .reason = std::string(error.reason)};
  if (!account_) return finish(entry, refused);
  const auto& misbehaviour = settings_.misbehaviour;
  const bool repeats = misbehaviour.breaks(Rule::s09) || misbehaviour.breaks(Rule::s10);
  if (++pending.challenges > (repeats ? most_bad_challenges : most_challenges)) return finish(entry, refused);
  switch (account_->take(answer, pending.is_signed, misbehaviour)) {
    case LongTerm::Challenge::retry:
      break;
    case LongTerm::Challenge::refused:
      return finish(entry, refused);
    case LongTerm::Challenge::malformed:
      refused.result = Result::malformed;
      refused.reason = "a challenge without realm or nonce";
      return finish(entry, refused);
    case LongTerm::Challenge::bid_down:
      refused.result = Result::bid_down;
      refused.reason = "the nonce announces password algorithms and none is listed";
      return finish(entry, refused);
    case LongTerm::Challenge::no_algorithm:
      refused.result = Result::bid_down;
      refused.reason = "no password algorithm in common";
      return finish(entry, refused);
  }
  transmit(pending, now);
  by_transaction_[pending.transaction] = entry->first;
  return std::nullopt;
}

std::optional<Completion> Requester::take_error(Entry entry, const wire::StunMessage& answer, Time now) {
  auto& pending = entry->second;
  const auto error = answer.error();
  if (!error) return finish(entry, {.result = Result::malformed, .reason = "an error answer without error code"});
  Completion completion{
      .result = Result::error, .code = error->code, .reason = std::string(error->reason), .answer = answer};
  if (error->code == 300) {
    if (const auto server = answer.address(StunAttribute::alternate_server)) {
      completion.result = Result::redirect;
      completion.redirect =
          Redirect{*server, std::string(answer.text(StunAttribute::alternate_domain).value_or(std::string_view{}))};
    }
    return finish(entry, completion);
  }
  // 508 is TURN's, and says a minute (RFC 8656 §7.4).
  const bool temporary = error->code >= 500 && error->code < 600 && error->code != 508;
  if (temporary && (pending.server_errors < most_server_errors || settings_.misbehaviour.breaks(Rule::s08))) {
    by_transaction_.erase(pending.transaction);
    pending.retransmission.reset();
    pending.again = now + settings_.timing.rto * (1 << std::min(pending.server_errors, 4u));
    ++pending.server_errors;
    return std::nullopt;
  }
  return finish(entry, completion);
}

std::optional<Completion> Requester::wake(Time now) {
  for (auto entry = pending_.begin(); entry != pending_.end(); ++entry) {
    auto& pending = entry->second;
    if (lost_at_) return finish(entry, {.result = Result::transport_lost, .reason = "the connection is gone"});
    if (!pending.retransmission) {
      if (now < pending.again) continue;
      transmit(pending, now);
      by_transaction_[pending.transaction] = entry->first;
    } else if (now >= pending.retransmission->due()) {
      if (pending.retransmission->ends()) {
        if (!pending.saw_unauthentic) return finish(entry, {.result = Result::timeout, .reason = "no answer"});
        return finish(entry, {.result = Result::integrity,
                              .code = pending.unauthentic_code,
                              .reason = "no answer with valid integrity"});
      }
      if (!pending.bytes.empty()) out_.send(pending.bytes);
      pending.retransmission->sent(now);
    }
  }
  return std::nullopt;
}

std::optional<Time> Requester::next() const {
  if (lost_at_) return pending_.empty() ? std::nullopt : lost_at_;
  std::optional<Time> first;
  for (const auto& [id, pending] : pending_) {
    first = earlier(first, pending.retransmission ? pending.retransmission->due() : pending.again);
  }
  return first;
}

void Requester::transport_lost(Time now) {
  if (!settings_.misbehaviour.breaks(Rule::s05)) lost_at_ = now;
}

}  // namespace crypelab::client::stun
