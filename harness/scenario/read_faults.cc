#include "harness/scenario/read_faults.h"

#include "harness/scenario/read_value.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostOffered = 16;
constexpr std::size_t kLongestToken = 40;
constexpr std::size_t kLongestText = 200;
constexpr std::uint32_t kLargestSegment = 65'535;
constexpr Duration kShortest = std::chrono::milliseconds(1);
constexpr Duration kLongest = std::chrono::hours(24);
constexpr Duration kLongestBatch = std::chrono::seconds(10);

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kLongestToken && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

void read_tokens(const Node* node, std::string_view what, std::vector<std::string>& all, Problems& problems) {
  if (node == nullptr) return;
  for (const Node* item : read_some(*node, what, kMostOffered, problems)) {
    if (!expect_scalar(*item, "a token", problems)) continue;
    if (is_token(item->text)) {
      all.push_back(item->text);
    } else {
      problems.add(item->at, in_quotes(item->text) + " is not a token",
                   "letters, digits and !#$%&'*+-.^_`|~, at most 40 (RFC 9110 section 5.6.2)");
    }
  }
}

// Goes into a field of HTTP as it is.
void read_visible(const Node* node, std::string_view what, std::string& text, Problems& problems) {
  if (node == nullptr) return;
  const auto read = read_text(*node, what, problems);
  if (!read) return;
  const bool visible = std::ranges::all_of(*read, [](char c) { return c > ' ' && c < 0x7f; });
  if (visible && read->size() <= kLongestText) {
    text = *read;
  } else {
    problems.add(node->at, in_quotes(*read) + " is not " + std::string(what), "visible ASCII, at most 200 characters");
  }
}

void read_time(const Node* node, std::string_view what, std::optional<Duration>& time, Problems& problems) {
  if (node != nullptr) time = read_duration(*node, what, {kShortest, kLongest}, problems);
}

bool asks(const model::Proxy& proxy, std::string_view scheme) {
  std::string small(scheme);
  std::ranges::transform(small, small.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::ranges::any_of(proxy.auth, [&](model::AuthScheme known) {
    return small == (known == model::AuthScheme::digest ? "digest" : "basic");
  });
}

// What a proxy of the lab's own cannot do; `reason` is the word for which it stands in Squid's place.
void check_own(std::string_view reason, const Node& proxy_node, const model::Proxy& proxy, Problems& problems) {
  for (const std::string_view word :
       {"allow", "deny", "ip-literals", "max-connections", "tls", "inspect", "transparent", "via"}) {
    if (const Node* other = proxy_node.find(word))
      problems.add(other->at, in_quotes(word) + " beside " + in_quotes(reason),
                   fmt::format("a proxy with {} is not Squid and cannot do that", reason));
  }
  for (const auto scheme : proxy.auth) {
    if (scheme != model::AuthScheme::basic && scheme != model::AuthScheme::digest)
      problems.add(proxy_node.find("auth")->at, fmt::format("a proxy with {} asks by Basic or Digest alone", reason),
                   "others may be offered, without being understood: faults: {schemes: [NTLM, Basic]}");
  }
}

void check(const Mapping& map, const Node& proxy_node, const model::Proxy& proxy, Problems& problems) {
  const auto& faults = *proxy.faults;
  check_own("faults", proxy_node, proxy, problems);
  if (const Node* schemes = map.find("schemes");
      schemes != nullptr && std::ranges::none_of(faults.schemes, [&](const auto& each) { return asks(proxy, each); })) {
    problems.add(schemes->at, "none of these schemes is one of 'auth'", "nobody could sign in");
  }
  const bool digest = std::ranges::find(proxy.auth, model::AuthScheme::digest) != proxy.auth.end();
  for (const std::string_view word : {"algorithms", "domain"}) {
    if (const Node* node = map.find(word); node != nullptr && !digest)
      problems.add(node->at, in_quotes(word) + " without Digest", "say auth: digest");
  }
  if (const Node* session = map.find("session"); session != nullptr && proxy.auth.empty())
    problems.add(session->at, "a session of nobody", "say how it asks who comes: auth: basic");
  const bool redirects = faults.sign_in == model::SignIn::redirect_302 || faults.sign_in == model::SignIn::redirect_307;
  if (redirects && faults.login.empty())
    problems.add(map.find("sign-in")->at, "a redirect to nowhere", "say where: login: http://login.office.test/");
  if (const Node* lasting = map.find("down-for"); lasting != nullptr && !faults.down_from)
    problems.add(lasting->at, "'down-for' without 'down-from'", "say when it begins: down-from: 20s");
}

}  // namespace

void read_faults(const Node& node, const Node& proxy_node, model::Proxy& proxy, Problems& problems) {
  const Mapping map(node, kFaultWords, "faults of a proxy", problems);
  if (!map.ok()) return;
  const std::size_t before = problems.complaints();
  auto& faults = proxy.faults.emplace();
  read_tokens(map.find("schemes"), "schemes", faults.schemes, problems);
  read_tokens(map.find("algorithms"), "algorithms", faults.algorithms, problems);
  read_visible(map.find("domain"), "a domain of Digest", faults.domain, problems);
  read_visible(map.find("login"), "where a redirect leads", faults.login, problems);
  read_visible(map.find("transfer-encoding"), "a transfer coding", faults.transfer_encoding, problems);
  if (const Node* fields = map.find("challenge-fields"))
    assign(faults.one_field, read_word(*fields, "a number of fields", kChallengeFields, problems));
  if (const Node* sign_in = map.find("sign-in"))
    assign(faults.sign_in, read_word(*sign_in, "a way to ask for a login", kSignIns, problems));
  if (const Node* closes = map.find("refusal-closes")) assign(faults.refusal_closes, read_boolean(*closes, problems));
  if (const Node* body = map.find("refusal-body")) assign(faults.refusal_body, read_bytes(*body, "a size", problems));
  if (faults.refusal_body.bytes > (1U << 20U))
    problems.add(map.find("refusal-body")->at, "a page of more than 1 MiB", "at most 1MiB");
  read_time(map.find("session"), "a session", faults.session, problems);
  if (const Node* status = map.find("tunnel-status"))
    assign(faults.tunnel_status, read_number(*status, "a status that opens a tunnel", {200, 299}, problems));
  if (const Node* length = map.find("content-length"))
    faults.content_length = read_bytes(*length, "a length", problems);
  if (const Node* answer = map.find("answer"))
    faults.answer = read_word(*answer, "an answer", kAnswersOfProxy, problems);
  read_time(map.find("cut-after"), "a time", faults.cut_after, problems);
  read_time(map.find("cut-idle"), "a time", faults.cut_idle, problems);
  if (const Node* bytes = map.find("cut-bytes")) faults.cut_bytes = read_bytes(*bytes, "an amount", problems);
  if (const Node* by = map.find("cut-by")) assign(faults.cut_by, read_word(*by, "a way to cut", kCuts, problems));
  if (const Node* segment = map.find("segment"))
    assign(faults.segment, read_number(*segment, "a size of segments", {1, kLargestSegment}, problems));
  if (const Node* batch = map.find("batch"))
    assign(faults.batch, read_duration(*batch, "a batch", {kShortest, kLongestBatch}, problems));
  read_time(map.find("down-from"), "a time", faults.down_from, problems);
  read_time(map.find("down-for"), "a time", faults.down_for, problems);
  if (problems.complaints() == before) check(map, proxy_node, proxy, problems);
}

void read_lifetime_of_tunnels(const Node& proxy_node, model::Proxy& proxy, Problems& problems) {
  check_own("lifetime", proxy_node, proxy, problems);
  proxy.faults.emplace();
}

}  // namespace crypelab::scenario
