#include "harness/wire/http_digest.h"

#include "harness/wire/digest.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

struct Named {
  DigestAlgorithm algorithm;
  std::string_view name;
  Hash hash;
  bool session;
};
constexpr std::array<Named, 6> algorithms{{
    {DigestAlgorithm::md5, "MD5", Hash::md5, false},
    {DigestAlgorithm::md5_sess, "MD5-sess", Hash::md5, true},
    {DigestAlgorithm::sha256, "SHA-256", Hash::sha256, false},
    {DigestAlgorithm::sha256_sess, "SHA-256-sess", Hash::sha256, true},
    {DigestAlgorithm::sha512_256, "SHA-512-256", Hash::sha512_256, false},
    {DigestAlgorithm::sha512_256_sess, "SHA-512-256-sess", Hash::sha512_256, true},
}};
const Named& entry(DigestAlgorithm algorithm) { return algorithms[static_cast<std::size_t>(algorithm)]; }

std::string hashed(Hash algorithm, std::string_view text) {
  return lower_hex(hash(algorithm, {bytes_of(text)}).view());
}

// RFC 7616 §3.4.1 to §3.4.3.
std::string response_of(const DigestCredentials& c, std::string_view user, std::string_view password,
                        std::string_view method) {
  const auto& [algorithm, name, kind, session] = entry(c.algorithm);
  std::string a1 = hashed(kind, fmt::format("{}:{}:{}", user, c.realm, password));
  if (session) a1 = hashed(kind, fmt::format("{}:{}:{}", a1, c.nonce, c.cnonce));
  const std::string a2 = hashed(kind, fmt::format("{}:{}", method, c.uri));
  if (!c.qop_auth) return hashed(kind, fmt::format("{}:{}:{}", a1, c.nonce, a2));
  return hashed(kind, fmt::format("{}:{}:{:08x}:{}:auth:{}", a1, c.nonce, c.nc, c.cnonce, a2));
}

bool is_true(const HttpAuth& auth, std::string_view name) {
  return equal_ignoring_case(auth.find(name).value_or(""), "true");
}

std::string text_or_empty(const HttpAuth& auth, std::string_view name) {
  return std::string(auth.find(name).value_or(""));
}

std::optional<std::string> text_if_present(const HttpAuth& auth, std::string_view name) {
  const auto value = auth.find(name);
  return value ? std::optional<std::string>(*value) : std::nullopt;
}

// An ext-value in UTF-8 (RFC 8187 §3.2), as username* has it.
std::optional<std::string> from_ext_value(std::string_view text) {
  constexpr std::string_view charset = "UTF-8'";
  if (text.size() < charset.size() || !equal_ignoring_case(text.substr(0, charset.size()), charset))
    return std::nullopt;
  const auto quote = text.find('\'', charset.size());
  if (quote == std::string_view::npos) return std::nullopt;
  std::string value;
  for (text.remove_prefix(quote + 1); !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '%') {
      value += text.front();
      continue;
    }
    unsigned byte = 0;
    if (text.size() < 3) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
    if (error != std::errc{} || end != text.data() + 3) return std::nullopt;
    value += static_cast<char>(static_cast<unsigned char>(byte));
    text.remove_prefix(2);
  }
  return value;
}

bool needs_ext_value(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x7f || is_control(c); });
}

std::string to_ext_value(std::string_view text) {
  std::string value = "UTF-8''";
  for (const char c : text) {
    const bool plain = is_digit(c) || is_alpha(c) || std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos;
    value += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return value;
}

// The elements of a qop list.
bool offers_auth(std::string_view qop) {
  HttpFields fields;
  fields.add("qop", std::string(qop));
  return fields.lists("qop", "auth");
}

}  // namespace

std::optional<DigestAlgorithm> digest_algorithm(std::string_view name) {
  for (const auto& known : algorithms) {
    if (equal_ignoring_case(known.name, name)) return known.algorithm;
  }
  return std::nullopt;
}

std::string_view name_of(DigestAlgorithm algorithm) { return entry(algorithm).name; }

Result<DigestChallenge> parse_digest_challenge(const HttpAuth& challenge) {
  if (!challenge.is("Digest")) return Complaint{"not Digest"};
  if (!challenge.find("nonce") || !challenge.find("realm"))
    return Complaint{"a Digest challenge without nonce or realm"};
  DigestChallenge result;
  result.realm = text_or_empty(challenge, "realm");
  result.nonce = text_or_empty(challenge, "nonce");
  result.opaque = text_if_present(challenge, "opaque");
  if (const auto name = challenge.find("algorithm")) {
    const auto algorithm = digest_algorithm(*name);
    if (!algorithm) return Complaint{"a Digest challenge with an unknown algorithm"};
    result.algorithm = *algorithm;
    result.algorithm_named = true;
  }
  if (const auto qop = challenge.find("qop")) {
    result.qop_auth = offers_auth(*qop);
    if (!result.qop_auth) return Complaint{"a Digest challenge without qop \"auth\""};
  }
  result.stale = is_true(challenge, "stale");
  result.userhash = is_true(challenge, "userhash");
  result.utf8 = equal_ignoring_case(challenge.find("charset").value_or(""), "UTF-8");
  return result;
}

std::string to_text(const DigestChallenge& challenge) {
  std::string text = fmt::format("Digest realm={}, nonce={}", quoted(challenge.realm), quoted(challenge.nonce));
  if (challenge.opaque) text += fmt::format(", opaque={}", quoted(*challenge.opaque));
  if (challenge.algorithm_named) text += fmt::format(", algorithm={}", name_of(challenge.algorithm));
  if (challenge.qop_auth) text += ", qop=\"auth\"";
  if (challenge.stale) text += ", stale=true";
  if (challenge.utf8) text += ", charset=UTF-8";
  if (challenge.userhash) text += ", userhash=true";
  return text;
}

Result<DigestCredentials> parse_digest_credentials(const HttpAuth& credentials) {
  if (!credentials.is("Digest")) return Complaint{"not Digest"};
  DigestCredentials result;
  result.userhash = is_true(credentials, "userhash");
  if (const auto extended = credentials.find("username*")) {
    const auto name = from_ext_value(*extended);
    if (!name || credentials.find("username") || result.userhash) return Complaint{"username* is misused"};
    result.username = *name;
  } else if (const auto name = credentials.find("username")) {
    result.username = *name;
  } else {
    return Complaint{"Digest credentials without username"};
  }
  for (const std::string_view name : {"realm", "nonce", "uri", "response"}) {
    if (!credentials.find(name)) return Complaint{fmt::format("Digest credentials without {}", name)};
  }
  result.realm = text_or_empty(credentials, "realm");
  result.nonce = text_or_empty(credentials, "nonce");
  result.uri = text_or_empty(credentials, "uri");
  result.response = text_or_empty(credentials, "response");
  result.opaque = text_if_present(credentials, "opaque");
  if (const auto name = credentials.find("algorithm")) {
    const auto algorithm = digest_algorithm(*name);
    if (!algorithm) return Complaint{"Digest credentials with an unknown algorithm"};
    result.algorithm = *algorithm;
    result.algorithm_named = true;
  }
  result.cnonce = text_or_empty(credentials, "cnonce");
  if (const auto qop = credentials.find("qop")) {
    if (!equal_ignoring_case(*qop, "auth")) return Complaint{"Digest credentials with a qop other than \"auth\""};
    const auto nc = credentials.find("nc").value_or("");
    const auto [end, error] = std::from_chars(nc.data(), nc.data() + nc.size(), result.nc, 16);
    if (nc.size() != 8 || error != std::errc{} || end != nc.data() + nc.size())
      return Complaint{"nc is not 8 hexadecimal digits"};
    if (!credentials.find("cnonce")) return Complaint{"Digest credentials with qop and without cnonce"};
    result.qop_auth = true;
  }
  return result;
}

std::string to_text(const DigestCredentials& c) {
  std::string text = needs_ext_value(c.username) ? fmt::format("Digest username*={}", to_ext_value(c.username))
                                                 : fmt::format("Digest username={}", quoted(c.username));
  text += fmt::format(", realm={}, nonce={}, uri={}, response=\"{}\"", quoted(c.realm), quoted(c.nonce), quoted(c.uri),
                      c.response);
  if (c.algorithm_named) text += fmt::format(", algorithm={}", name_of(c.algorithm));
  if (c.opaque) text += fmt::format(", opaque={}", quoted(*c.opaque));
  if (c.qop_auth) text += fmt::format(", qop=auth, nc={:08x}", c.nc);
  if (c.qop_auth || entry(c.algorithm).session) text += fmt::format(", cnonce={}", quoted(c.cnonce));
  if (c.userhash) text += ", userhash=true";
  return text;
}

DigestCredentials answer_digest(const DigestChallenge& challenge, std::string_view user, std::string_view password,
                                std::string_view method, std::string_view uri, std::string_view cnonce,
                                std::uint32_t nc) {
  DigestCredentials answer;
  answer.realm = challenge.realm;
  answer.nonce = challenge.nonce;
  answer.uri = uri;
  answer.algorithm = challenge.algorithm;
  answer.algorithm_named = challenge.algorithm_named;
  answer.opaque = challenge.opaque;
  answer.qop_auth = challenge.qop_auth;
  answer.cnonce = cnonce;
  answer.nc = nc;
  answer.userhash = challenge.userhash;
  answer.username =
      challenge.userhash ? digest_userhash(challenge.algorithm, user, challenge.realm) : std::string(user);
  answer.response = response_of(answer, user, password, method);
  return answer;
}

bool verify_digest(const DigestCredentials& credentials, std::string_view user, std::string_view password,
                   std::string_view method) {
  const std::string sent_name =
      credentials.userhash ? digest_userhash(credentials.algorithm, user, credentials.realm) : std::string(user);
  std::string sent = credentials.response;
  std::transform(sent.begin(), sent.end(), sent.begin(), lower);
  return credentials.username == sent_name &&
         equal_in_constant_time(bytes_of(sent), bytes_of(response_of(credentials, user, password, method)));
}

std::string digest_userhash(DigestAlgorithm algorithm, std::string_view user, std::string_view realm) {
  return hashed(entry(algorithm).hash, fmt::format("{}:{}", user, realm));
}

}  // namespace crypelab::wire
