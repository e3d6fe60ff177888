#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::evidence {

struct Secret {
  std::string name;   // what stands in its place: "[secret:NAME]"
  std::string value;  // at least four characters: shorter ones would mask words that are none
};

// Takes secrets out of text before it is written anywhere: as they are, percent-encoded, in hexadecimal, and inside
// Base64 at whatever offset (Basic credentials, RFC 7617). The same secret gives the same marker everywhere, so that
// where one appeared can still be judged afterwards.
class Redaction {
 public:
  // Throws Failure{software} for a secret that is too short to be told apart.
  explicit Redaction(const std::vector<Secret>& secrets);
  std::string operator()(std::string_view text) const;

 private:
  struct Form {
    std::string text;    // what to look for
    std::string marker;  // what to write instead
  };
  std::vector<Form> forms_;  // longest first, so that a whole is replaced before its parts
};

}  // namespace crypelab::evidence
