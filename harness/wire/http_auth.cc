#include "harness/wire/http_auth.h"

#include "harness/wire/base64.h"
#include "harness/wire/text.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

constexpr bool is_token68_char(char c) {
  return is_digit(c) || is_alpha(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
}

bool has_control(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  bool skip(char c) {
    if (peek() != c || at_end()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // The longest run, perhaps empty.
  template <class Allowed>
  std::string_view run(Allowed allowed) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), allowed);
    const auto text = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(text.size());
    return text;
  }

  // token68 up to a comma or the end; nothing, and nothing read, where it is a parameter or another scheme.
  std::optional<std::string_view> token68() {
    Reader ahead = *this;
    ahead.run(is_token68_char);
    ahead.run([](char c) { return c == '='; });
    const std::string_view text = rest_.substr(0, rest_.size() - ahead.rest_.size());
    ahead.skip_blanks();
    if (text.empty() || (!ahead.at_end() && ahead.peek() != ',')) return std::nullopt;
    *this = ahead;
    return text;
  }

  // The value of a parameter: token or quoted-string.
  std::optional<std::string> value() {
    if (!skip('"')) {
      const auto text = run(is_token_char);
      return text.empty() ? std::nullopt : std::optional<std::string>(text);
    }
    std::string text;
    while (!at_end()) {
      if (skip('"')) return text;
      skip('\\');
      if (at_end() || (is_control(peek()) && peek() != '\t')) return std::nullopt;
      text += peek();
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

  // name "=" value with optional blanks; nothing, and nothing read, where a scheme stands.
  bool looks_like_parameter() const {
    Reader ahead = *this;
    const auto name = ahead.run(is_token_char);
    ahead.skip_blanks();
    return !name.empty() && ahead.peek() == '=';
  }

 private:
  std::string_view rest_;
};

}  // namespace

bool HttpAuth::is(std::string_view other_scheme) const { return equal_ignoring_case(scheme, other_scheme); }

std::optional<std::string_view> HttpAuth::find(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

Result<std::vector<HttpAuth>> parse_challenges(std::string_view field) {
  std::vector<HttpAuth> challenges;
  Reader reader(field);
  for (;;) {
    // Empty list elements are allowed (RFC 9110 §5.6.1).
    reader.skip_blanks();
    if (reader.skip(',')) continue;
    if (reader.at_end()) break;

    if (!challenges.empty() && challenges.back().token68.empty() && reader.looks_like_parameter()) {
      HttpAuth& challenge = challenges.back();
      std::string name(reader.run(is_token_char));
      std::transform(name.begin(), name.end(), name.begin(), lower);
      reader.skip_blanks();
      reader.skip('=');
      reader.skip_blanks();
      auto value = reader.value();
      if (!value) return Complaint{"an authentication parameter without a proper value"};
      if (challenge.find(name)) return Complaint{"an authentication parameter occurs twice"};
      challenge.parameters.emplace_back(std::move(name), std::move(*value));
    } else {
      const auto scheme = reader.run(is_token_char);
      if (scheme.empty()) return Complaint{"no authentication scheme where one should be"};
      challenges.push_back({std::string(scheme), {}, {}});
      if (is_blank(reader.peek())) {
        reader.skip_blanks();
        if (const auto token68 = reader.token68()) {
          challenges.back().token68 = *token68;
        } else if (reader.looks_like_parameter()) {
          continue;
        }
      }
    }
    reader.skip_blanks();
    if (!reader.at_end() && reader.peek() != ',') return Complaint{"unexpected text in an authentication field"};
  }
  if (challenges.empty()) return Complaint{"an empty authentication field"};
  return challenges;
}

std::vector<HttpAuth> challenges_of(const HttpFields& fields, std::string_view name) {
  std::vector<HttpAuth> all;
  for (const auto value : fields.all(name)) {
    auto challenges = parse_challenges(value);
    if (challenges) std::move(challenges->begin(), challenges->end(), std::back_inserter(all));
  }
  return all;
}

Result<HttpAuth> parse_credentials(std::string_view field) {
  auto all = parse_challenges(field);
  if (!all) return Complaint{all.complaint()};
  if (all->size() != 1) return Complaint{"more than one set of credentials"};
  return std::move(all->front());
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += is_control(c) && c != '\t' ? ' ' : c;
  }
  return result + '"';
}

Result<std::string> basic_credentials(const BasicCredentials& credentials) {
  if (credentials.user.find(':') != std::string::npos)
    return Complaint{"a user name with a colon cannot be sent by Basic"};
  if (has_control(credentials.user) || has_control(credentials.password)) {
    return Complaint{"a control character cannot be sent by Basic"};
  }
  return "Basic " + to_base64(bytes_of(credentials.user + ":" + credentials.password));
}

Result<BasicCredentials> parse_basic(const HttpAuth& credentials) {
  if (!credentials.is("Basic")) return Complaint{"not Basic"};
  const auto bytes = from_base64(credentials.token68);
  if (!bytes) return Complaint{"Basic credentials are not base64"};
  const std::string_view text = text_of(*bytes);
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return Complaint{"Basic credentials without a colon"};
  if (has_control(text)) return Complaint{"Basic credentials with a control character"};
  return BasicCredentials{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace crypelab::wire
