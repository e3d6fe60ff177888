#include "harness/wire/sdp.h"

#include "harness/wire/text.h"

#include <array>

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

constexpr std::array<std::string_view, 3> setups{"actpass", "active", "passive"};

// Attributes that may stand for the whole session or for one section.
struct Attributes {
  std::optional<std::string> ufrag;
  std::optional<std::string> pwd;
  std::optional<bool> trickle;
  std::optional<SdpSetup> setup;
  std::vector<SdpFingerprint> fingerprints;
};

Result<SdpFingerprint> parse_fingerprint(std::string_view value) {
  SdpFingerprint fingerprint;
  for (const char c : take_until(value, ' ')) fingerprint.algorithm += lower(c);
  for (auto pair = take_until(value, ':'); !pair.empty(); pair = take_until(value, ':')) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(pair.data(), pair.data() + pair.size(), byte, 16);
    if (pair.size() != 2 || error != std::errc{} || end != pair.data() + 2) return Complaint{"a malformed fingerprint"};
    fingerprint.digest.push_back(static_cast<std::uint8_t>(byte));
  }
  const bool wrong_size = fingerprint.algorithm == "sha-256" && fingerprint.digest.size() != 32;
  if (!is_token(fingerprint.algorithm) || fingerprint.digest.empty() || fingerprint.digest.size() > 64 || wrong_size) {
    return Complaint{"a malformed fingerprint"};
  }
  return fingerprint;
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (take_until(list, ' ') == word) return true;
  }
  return false;
}

class Parser {
 public:
  Result<SdpDescription> parse(std::string_view text) {
    if (text.size() > largest_sdp) return Complaint{fmt::format("an SDP of more than {} bytes", largest_sdp)};
    if (!text.starts_with("v=0")) return Complaint{"an SDP begins with v=0"};
    while (!text.empty() && complaint_.empty()) {
      auto line = take_until(text, '\n');
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (std::any_of(line.begin(), line.end(), [](char c) { return is_control(c) && c != '\t'; })) {
        return Complaint{"an SDP with control characters"};
      }
      if (line.size() < 2 || line[1] != '=') continue;
      take(line[0], line.substr(2));
    }
    if (!complaint_.empty()) return Complaint{complaint_};
    return finish();
  }

 private:
  enum class Section { session, data_channel, other };

  void take(char kind, std::string_view value) {
    if (kind == 'o' && section_ == Section::session) {
      take_until(value, ' ');
      const auto id = parse_decimal(take_until(value, ' '), ~std::uint64_t{0});
      const auto version = parse_decimal(take_until(value, ' '), ~std::uint64_t{0});
      result_.session_id = id.value_or(0);
      result_.session_version = version.value_or(0);
    } else if (kind == 'm') {
      begin_section(value);
    } else if (kind == 'a') {
      const auto name = take_until(value, ':');
      if (section_ == Section::session) take_session_attribute(name, value);
      if (section_ == Section::data_channel) take_section_attribute(name, value);
    }
  }

  // m=application 9 UDP/DTLS/SCTP webrtc-datachannel, or the form before RFC 8841: DTLS/SCTP 5000.
  void begin_section(std::string_view value) {
    section_ = Section::other;
    if (found_ || take_until(value, ' ') != "application") return;
    const auto port = parse_decimal(take_until(value, ' '), 0xFFFF);
    const auto protocol = take_until(value, ' ');
    const bool current = protocol == "UDP/DTLS/SCTP" || protocol == "TCP/DTLS/SCTP";
    if (!current && protocol != "DTLS/SCTP") return;
    if (!port || *port == 0) {
      rejected_ = true;
      return;
    }
    if (current && value != "webrtc-datachannel") return;
    if (!current) {
      const auto sctp_port = parse_decimal(value, 0xFFFF);
      if (!sctp_port || *sctp_port == 0) return;
      result_.sctp_port = static_cast<std::uint16_t>(*sctp_port);
    }
    section_ = Section::data_channel;
    found_ = true;
  }

  void take_session_attribute(std::string_view name, std::string_view value) {
    if (name == "group" && take_until(value, ' ') == "BUNDLE") bundle_ = value;
    if (name == "ice-lite") result_.ice_lite = true;
    if (name == "ice-pacing") {
      const auto pacing = parse_decimal(value, 9'999'999'999);
      if (!pacing) return complain("a malformed ice-pacing");
      result_.ice_pacing = *pacing;
    }
    take_shared_attribute(name, value, session_);
  }

  void take_section_attribute(std::string_view name, std::string_view value) {
    if (name == "mid") {
      if (!is_token(value) || value.size() > 64) return complain("a malformed mid");
      result_.mid = value;
    } else if (name == "sctp-port") {
      const auto port = parse_decimal(value, 0xFFFF);
      if (!port || *port == 0) return complain("a malformed sctp-port");
      result_.sctp_port = static_cast<std::uint16_t>(*port);
    } else if (name == "max-message-size") {
      const auto size = parse_decimal(value, ~std::uint64_t{0});
      if (!size) return complain("a malformed max-message-size");
      result_.max_message_size = *size;
    } else if (name == "candidate") {
      take_candidate(value);
    } else if (name == "end-of-candidates") {
      result_.end_of_candidates = true;
    } else {
      take_shared_attribute(name, value, own_);
    }
  }

  void take_shared_attribute(std::string_view name, std::string_view value, Attributes& attributes) {
    if (name == "ice-ufrag") {
      attributes.ufrag = value;
    } else if (name == "ice-pwd") {
      attributes.pwd = value;
    } else if (name == "ice-options") {
      attributes.trickle = has_word(value, "trickle");
    } else if (name == "setup") {
      const auto at = std::find(setups.begin(), setups.end(), value);
      if (at == setups.end()) return complain("an unknown setup");
      attributes.setup = static_cast<SdpSetup>(at - setups.begin());
    } else if (name == "fingerprint") {
      auto fingerprint = parse_fingerprint(value);
      if (!fingerprint) return complain(fingerprint.complaint());
      if (attributes.fingerprints.size() == 16) return complain("too many fingerprints");
      attributes.fingerprints.push_back(std::move(*fingerprint));
    }
  }

  void take_candidate(std::string_view value) {
    if (result_.candidates.size() + result_.ignored_candidates == most_sdp_candidates) {
      return complain(fmt::format("an SDP with more than {} candidates", most_sdp_candidates));
    }
    auto candidate = parse_candidate(fmt::format("candidate:{}", value));
    if (candidate) {
      result_.candidates.push_back(std::move(*candidate));
    } else {
      ++result_.ignored_candidates;
    }
  }

  Result<SdpDescription> finish() {
    if (!found_)
      return Complaint{rejected_ ? "the data channel section is rejected (port 0)" : "no data channel section"};
    const auto ufrag = own_.ufrag ? own_.ufrag : session_.ufrag;
    const auto pwd = own_.pwd ? own_.pwd : session_.pwd;
    const auto setup = own_.setup ? own_.setup : session_.setup;
    // RFC 8839 §5.4: 4 to 256 and 22 to 256 characters.
    if (!ufrag || !is_ice_text(*ufrag, 4, 256)) return Complaint{"ice-ufrag is missing or malformed"};
    if (!pwd || !is_ice_text(*pwd, 22, 256)) return Complaint{"ice-pwd is missing or malformed"};
    if (!setup) return Complaint{"setup is missing"};
    result_.ice_ufrag = *ufrag;
    result_.ice_pwd = *pwd;
    result_.setup = *setup;
    result_.trickle = own_.trickle.value_or(session_.trickle.value_or(false));
    result_.fingerprints = own_.fingerprints.empty() ? session_.fingerprints : own_.fingerprints;
    if (result_.fingerprints.empty()) return Complaint{"fingerprint is missing"};
    result_.bundled = has_word(bundle_, result_.mid);
    return std::move(result_);
  }

  void complain(std::string text) { complaint_ = std::move(text); }

  SdpDescription result_;
  Attributes session_;
  Attributes own_;
  std::string bundle_;
  std::string complaint_;
  Section section_ = Section::session;
  bool found_ = false;
  bool rejected_ = false;
};

}  // namespace

std::string_view name_of(SdpSetup setup) { return setups[static_cast<std::size_t>(setup)]; }

Result<SdpDescription> parse_sdp(std::string_view text) { return Parser().parse(text); }

std::string to_text(const SdpDescription& d) {
  // 127.0.0.1, 0.0.0.0 and port 9: nothing is known before ICE, and nobody reads it (RFC 8829 §5.2.1).
  std::string text =
      fmt::format("v=0\r\no=- {} {} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", d.session_id, d.session_version);
  if (d.bundled) text += fmt::format("a=group:BUNDLE {}\r\n", d.mid);
  if (d.ice_lite) text += "a=ice-lite\r\n";
  if (d.ice_pacing != SdpDescription::kPacing) text += fmt::format("a=ice-pacing:{}\r\n", d.ice_pacing);
  text += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n";
  for (const auto& candidate : d.candidates) text += fmt::format("a={}\r\n", to_text(candidate));
  if (d.end_of_candidates) text += "a=end-of-candidates\r\n";
  text += fmt::format("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", d.ice_ufrag, d.ice_pwd);
  if (d.trickle) text += "a=ice-options:trickle\r\n";
  for (const auto& fingerprint : d.fingerprints) {
    std::string digest;
    for (const auto byte : fingerprint.digest) digest += fmt::format("{}{:02X}", digest.empty() ? "" : ":", byte);
    text += fmt::format("a=fingerprint:{} {}\r\n", fingerprint.algorithm, digest);
  }
  return text + fmt::format("a=setup:{}\r\na=mid:{}\r\na=sctp-port:{}\r\na=max-message-size:{}\r\n", name_of(d.setup),
                            d.mid, d.sctp_port, d.max_message_size);
}

}  // namespace crypelab::wire
