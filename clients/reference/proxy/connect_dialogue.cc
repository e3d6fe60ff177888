#include "clients/reference/proxy/connect_dialogue.h"

#include "clients/reference/proxy/ntlm_client.h"
#include "harness/wire/alpn_header.h"
#include "harness/wire/base64.h"
#include "harness/wire/digest.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace crypelab::client::proxy {

using transport::Problem;

namespace {

constexpr unsigned most_shown = 2;  // CRYPE P-24
constexpr unsigned most_shown_to_excess = 20;
constexpr unsigned most_stale = 2;
constexpr unsigned most_answers = 30;
constexpr std::uint64_t most_skipped = 1'000'000;

std::string every_octet_encoded(const std::vector<std::string>& protocols) {
  std::string text;
  for (const auto& protocol : protocols) {
    if (!text.empty()) text += ", ";
    for (const char c : protocol) text += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

std::string schemes_of(const std::vector<wire::HttpAuth>& challenges) {
  std::string text;
  for (const auto& challenge : challenges) {
    if (text.size() > 200) break;
    text += (text.empty() ? "" : ", ") + challenge.scheme.substr(0, 40);
  }
  return text.empty() ? "nothing" : text;
}

bool is_known_scheme(const wire::HttpAuth& challenge) {
  return challenge.is("Basic") || challenge.is("Digest") || challenge.is("NTLM") || challenge.is("Negotiate");
}

}  // namespace

ConnectDialogue::ConnectDialogue(Settings settings, const Account& account, Login& login, Random& random)
    : settings_(std::move(settings)), account_(account), login_(login), random_(random) {
  if (login_.known && !settings_.misbehaviour.breaks(Rule::w11)) {
    using_ = login_.known;
    scheme_ = name_of(using_->scheme);
    unasked_ = true;
    if (using_->scheme == Scheme::negotiate) step_ = Step::ticket;
  }
}

void ConnectDialogue::fail(Problem problem, std::string detail) {
  trouble_ = {problem, std::move(detail)};
  step_ = Step::failed;
}

bool ConnectDialogue::refused(Scheme scheme) const {
  return std::find(login_.refused.begin(), login_.refused.end(), scheme) != login_.refused.end();
}

std::optional<std::string> ConnectDialogue::credentials(std::uint64_t file_time) {
  switch (using_->scheme) {
    case Scheme::basic: {
      auto text = wire::basic_credentials({account_.user, account_.password});
      if (text) return *text;
      fail(Problem::proxy_auth_failed, "Basic cannot carry these credentials: " + text.complaint());
      return std::nullopt;
    }
    case Scheme::digest: {
      auto challenge = using_->digest;
      const bool shared =
          login_.known && login_.known->scheme == Scheme::digest && login_.known->digest.nonce == challenge.nonce;
      const std::uint32_t count = shared ? ++login_.nonce_count : 1;
      if (settings_.misbehaviour.breaks(Rule::p15)) challenge.qop_auth = false;
      const auto nonce = random_.bytes<16>();
      const std::string uri = settings_.misbehaviour.breaks(Rule::p12) ? "/" : settings_.target;
      return wire::to_text(wire::answer_digest(challenge, account_.user, account_.password, "CONNECT", uri,
                                               wire::lower_hex(nonce), count));
    }
    case Scheme::ntlm: {
      if (ntlm_challenge_.empty()) {
        ntlm_begun_ = true;
        return "NTLM " + wire::to_base64(ntlm_negotiate());
      }
      auto message = ntlm_authenticate(ntlm_challenge_, account_.user, account_.password, file_time, random_);
      if (message) return "NTLM " + wire::to_base64(*message);
      fail(Problem::proxy_auth_failed, message.complaint());
      return std::nullopt;
    }
    case Scheme::negotiate:
      return "Negotiate " + ticket_;
  }
  return std::nullopt;
}

std::string ConnectDialogue::request(std::uint64_t file_time) {
  const auto& broken = settings_.misbehaviour;
  wire::HttpRequestHead head{.method = "CONNECT", .target = settings_.target};
  if (broken.breaks(Rule::p01)) head.target = head.target.substr(0, head.target.rfind(':'));
  if (broken.breaks(Rule::p02)) head.target = "https://" + settings_.target + "/";
  head.fields.add("Host", settings_.target);
  head.fields.add("User-Agent", settings_.agent);
  if (!settings_.protocols.empty() && !broken.breaks(Rule::w10)) {
    head.fields.add("ALPN", broken.breaks(Rule::p18) ? every_octet_encoded(settings_.protocols)
                                                     : wire::alpn_header(settings_.protocols));
  }
  sent_credentials_ = false;
  if (using_) {
    auto shown = credentials(file_time);
    if (!shown) return {};
    head.fields.add("Proxy-Authorization", *shown);
    sent_credentials_ = using_->scheme != Scheme::ntlm || !ntlm_challenge_.empty();
  }
  parser_.emplace();
  body_ = Body::none;
  step_ = Step::read;
  return wire::to_text(head);
}

void ConnectDialogue::take_ticket(Result<std::string> token) {
  if (token) {
    ticket_ = std::move(*token);
    step_ = closes_ ? Step::reconnect : Step::send;
    return;
  }
  fail(Problem::proxy_auth_failed, "no Kerberos ticket for the proxy: " + token.complaint());
}

void ConnectDialogue::ended() {
  if (step_ != Step::read) return;
  if (body_ != Body::none) {
    step_ = Step::reconnect;
    if (status_ / 100 == 2) fail(Problem::proxy_unreachable, "the proxy closed the connection");
    return;
  }
  fail(Problem::proxy_unreachable, "the proxy closed the connection without an answer");
}

std::size_t ConnectDialogue::take(wire::Bytes arrived) {
  const std::size_t all = arrived.size();
  while (step_ == Step::read && !arrived.empty()) {
    if (body_ != Body::none) {
      skip_body(arrived);
      continue;
    }
    arrived = arrived.subspan(parser_->feed(arrived));
    if (parser_->state() == wire::HttpState::more) break;
    if (parser_->state() != wire::HttpState::head) {
      fail(Problem::proxy_unreachable, "the answer is not HTTP: " + parser_->reason());
      break;
    }
    if (parser_->head().status < 200) {  // RFC 9110 §15.2: interim, if anybody sends it
      parser_.emplace();
      if (++answers_ > most_answers) fail(Problem::proxy_unreachable, "the proxy never comes to an answer");
      continue;
    }
    judge();
  }
  return all - arrived.size();
}

void ConnectDialogue::judge() {
  const auto& head = parser_->head();
  status_ = head.status;
  const auto says =
      fmt::format("the proxy answers {} {} to CONNECT {}", head.status, head.reason.substr(0, 80), settings_.target);
  if (++answers_ > most_answers) return fail(Problem::proxy_auth_failed, "the proxy asks again and again");
  const auto length = head.fields.find("Content-Length");
  const auto told = length ? wire::parse_decimal(*length, most_skipped) : std::nullopt;
  if (status_ / 100 == 2) {
    if (status_ != 200 && settings_.misbehaviour.breaks(Rule::p03)) return fail(Problem::proxy_connect_denied, says);
    if (using_) {
      const bool new_nonce = !login_.known || login_.known->digest.nonce != using_->digest.nonce;
      if (new_nonce) login_.nonce_count = 1;
      login_.known = using_;
    }
    login_.rejected = false;
    if (told && *told > 0 && settings_.misbehaviour.breaks(Rule::p04)) {
      body_ = Body::length;
      left_ = *told;
      return;
    }
    step_ = Step::tunnel;  // §9.3.6: any 2xx, and no body
    return;
  }
  if (settings_.misbehaviour.breaks(Rule::p05)) {
    step_ = Step::tunnel;
    return;
  }
  if (status_ / 100 == 3) return fail(Problem::captive_portal, says);
  if (status_ >= 500 && status_ != 501 && status_ != 505) return fail(Problem::proxy_unreachable, says);
  if (status_ != 407) return fail(Problem::proxy_connect_denied, says);

  closes_ = head.fields.lists("Connection", "close") || head.fields.lists("Proxy-Connection", "close") ||
            (head.minor_version == 0 && !head.fields.lists("Connection", "keep-alive") &&
             !head.fields.lists("Proxy-Connection", "keep-alive"));
  judge_challenge();
  if (step_ == Step::failed) return;
  // RFC 9112 §6.3: where the next answer begins.
  if (head.fields.lists("Transfer-Encoding", "chunked")) {
    body_ = Body::chunked;
    chunk_line_.clear();
    in_chunk_ = last_chunk_ = false;
  } else if (length && !told) {
    closes_ = true;
  } else if (told && *told > 0) {
    body_ = Body::length;
    left_ = *told;
  } else if (!length) {
    closes_ = true;  // a body until the end: nothing of it is wanted
  }
  if (body_ == Body::none || closes_) after_body();
}

void ConnectDialogue::judge_challenge() {
  news_ = true;
  const auto challenges = wire::challenges_of(parser_->head().fields, "Proxy-Authenticate");
  const auto& broken = settings_.misbehaviour;
  if (broken.breaks(Rule::w11) || account_.kind == Account::Kind::none || account_.kind == Account::Kind::prompt) {
    return fail(Problem::proxy_auth_required,
                fmt::format("the proxy wants credentials ({}) and there are none", schemes_of(challenges)));
  }
  if (broken.breaks(Rule::p08) && !std::all_of(challenges.begin(), challenges.end(), is_known_scheme)) {
    return fail(Problem::proxy_auth_unsupported, "the proxy offers a scheme that is not known");
  }
  if (using_ && using_->scheme == Scheme::ntlm && ntlm_begun_ && ntlm_challenge_.empty()) {
    for (const auto& challenge : challenges) {
      const auto message = challenge.is("NTLM") ? wire::from_base64(challenge.token68) : std::nullopt;
      if (message && !message->empty()) ntlm_challenge_ = *message;
    }
    if (!ntlm_challenge_.empty()) {
      if (!closes_) return;
      ntlm_challenge_.clear();
      return fail(Problem::proxy_auth_failed, "the proxy closes the connection in the middle of NTLM");
    }
  }
  if (using_) {
    const bool was_unasked = std::exchange(unasked_, false) && shown_ == 0;
    if (using_->scheme == Scheme::digest && stale_ < most_stale) {
      for (const auto& one : answerable(challenges, account_, broken)) {
        // RFC 7616 §3.3: the credentials were right, the nonce was old.
        if (one.scheme != Scheme::digest || !one.digest.stale) continue;
        if (broken.breaks(Rule::p14)) return fail(Problem::proxy_auth_failed, "the proxy does not take the nonce");
        ++stale_;
        using_ = one;
        return;
      }
    }
    ++shown_;
    if (broken.breaks(Rule::p24) && shown_ < most_shown_to_excess) {
      ntlm_begun_ = false;
      ntlm_challenge_.clear();
      return choose(challenges);
    }
    if (was_unasked) {
      login_.known.reset();  // the proxy has forgotten, or changed its mind: once more, by its new challenge
    } else {
      login_.refused.push_back(using_->scheme);
    }
    ntlm_begun_ = false;
    ntlm_challenge_.clear();
    if (shown_ >= most_shown) {
      login_.rejected = true;
      return fail(Problem::proxy_auth_failed,
                  fmt::format("the proxy refuses the credentials that were shown ({})", name_of(using_->scheme)));
    }
  }
  choose(challenges);
}

void ConnectDialogue::choose(const std::vector<wire::HttpAuth>& challenges) {
  const auto before = using_;
  using_.reset();
  for (auto& one : answerable(challenges, account_, settings_.misbehaviour)) {
    if (!settings_.misbehaviour.breaks(Rule::p24) && refused(one.scheme)) continue;
    using_ = std::move(one);
    break;
  }
  if (using_) {
    scheme_ = name_of(using_->scheme);
    return;
  }
  if (before || !login_.refused.empty()) {
    login_.rejected = true;
    return fail(Problem::proxy_auth_failed,
                fmt::format("the proxy refuses the credentials that were shown; it offers {}", schemes_of(challenges)));
  }
  fail(Problem::proxy_auth_unsupported,
       fmt::format("the proxy offers {}, and none of it can be answered with {}", schemes_of(challenges),
                   account_.kind == Account::Kind::ambient ? "a Kerberos ticket" : "a user name and a password"));
}

void ConnectDialogue::skip_body(wire::Bytes& arrived) {
  const auto drop = [&](std::uint64_t size) {
    skipped_ += size;
    arrived = arrived.subspan(static_cast<std::size_t>(size));
  };
  if (skipped_ > most_skipped) {
    closes_ = true;
    return after_body();
  }
  if (body_ == Body::length) {
    const auto n = std::min<std::uint64_t>(left_, arrived.size());
    left_ -= n;
    drop(n);
    if (left_ == 0) after_body();
    return;
  }
  if (in_chunk_) {
    const auto n = std::min<std::uint64_t>(left_, arrived.size());
    left_ -= n;
    drop(n);
    in_chunk_ = left_ > 0;
    return;
  }
  // RFC 9112 §7.1: a line with the size, or a trailer line after the last chunk.
  const char c = static_cast<char>(arrived[0]);
  drop(1);
  if (c != '\n') {
    chunk_line_ += c;
    if (chunk_line_.size() <= 4096) return;
    closes_ = true;
    return after_body();
  }
  if (chunk_line_.ends_with('\r')) chunk_line_.pop_back();
  const auto line = std::exchange(chunk_line_, {});
  if (last_chunk_) {
    if (line.empty()) after_body();
    return;
  }
  std::uint64_t size = 0;
  const auto digits = line.substr(0, line.find_first_of("; \t"));
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (error != std::errc{} || stop != digits.data() + digits.size() || size > most_skipped) {
    closes_ = true;
    return after_body();
  }
  if (size == 0) {
    last_chunk_ = true;
    return;
  }
  left_ = size + 2;  // with the line end behind it
  in_chunk_ = true;
}

void ConnectDialogue::after_body() {
  body_ = Body::none;
  if (status_ / 100 == 2) {
    step_ = Step::tunnel;
    return;
  }
  if (closes_ && !ntlm_challenge_.empty()) {
    return fail(Problem::proxy_auth_failed, "the proxy ends the connection in the middle of NTLM");
  }
  step_ = using_ && using_->scheme == Scheme::negotiate ? Step::ticket : closes_ ? Step::reconnect : Step::send;
}

}  // namespace crypelab::client::proxy
