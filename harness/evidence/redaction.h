#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
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
  Redaction(const Redaction&) = delete;
  Redaction& operator=(const Redaction&) = delete;
  std::string operator()(std::string_view text) const;

  // Where secrets stand in bytes of any kind, every form and occurrence, in order of their beginning. About a
  // nanosecond a byte.
  struct Match {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::string_view secret;  // its name, valid as long as this object
  };
  std::vector<Match> find(std::string_view bytes) const;
  // No form is longer.
  std::size_t longest() const { return forms_.empty() ? 0 : forms_.front().text.size(); }

 private:
  struct Form {
    std::string text;    // what to look for
    std::string marker;  // what to write instead
    std::string secret;
  };
  std::vector<Form> forms_;  // longest first, so that a whole is replaced before its parts
  // By the first two bytes: the forms that begin with them, and whether there is one.
  std::unordered_map<std::uint16_t, std::vector<const Form*>> beginnings_;
  std::vector<bool> begins_;
};

}  // namespace crypelab::evidence
