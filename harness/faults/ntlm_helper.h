#pragma once

#include "harness/wire/ntlm.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// Squid's authentication helper for NTLM, one that really checks: NTLMv2 against NT hashes. Squid keeps one helper for
// one connection from its challenge to its answer (protocol "2.5-ntlmssp").
namespace crypelab::faults {

class NtlmDialogue {
 public:
  using Users = std::map<std::string, wire::NtHash, std::less<>>;  // names in small letters
  // `fresh` gives a new challenge each time.
  NtlmDialogue(Users users, std::string domain, std::function<wire::NtlmChallenge()> fresh);

  // One line from Squid, without its line break: "YR ..." or "KK ...". The answer, without: "TT ...", "AF user", "NA
  // ..." or "BH ...".
  std::string answer(std::string_view line);

 private:
  std::string judge(wire::Bytes message);

  Users users_;
  std::string domain_;
  std::function<wire::NtlmChallenge()> fresh_;
  std::optional<wire::NtlmChallenge> challenge_;  // a challenge is good for one answer
};

// Lines of "user:NT hash in hexadecimal". Throws Failure{data}, without telling the line.
NtlmDialogue::Users parse_nt_hashes(std::string_view text);

}  // namespace crypelab::faults
