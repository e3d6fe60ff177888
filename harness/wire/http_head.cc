#include "harness/wire/http_head.h"

#include "harness/base/address.h"
#include "harness/wire/text.h"

#include <charconv>

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

// "HTTP/1." and a digit.
constexpr std::string_view version_start = "HTTP/1.";

// The longest that is registered has 17 characters.
constexpr std::size_t longest_method = 32;

std::string without_controls(std::string_view text) {
  std::string clean(text);
  std::replace_if(clean.begin(), clean.end(), is_control, ' ');
  return clean;
}

std::string lines_of(std::string first, const HttpFields& fields) {
  std::string text = without_controls(first) + "\r\n";
  for (const auto& field : fields) {
    text += fmt::format("{}: {}\r\n", without_controls(field.name), without_controls(field.value));
  }
  return text + "\r\n";
}

bool is_version(std::string_view text) {
  return text.size() == version_start.size() + 1 && text.starts_with(version_start) && is_digit(text.back());
}

}  // namespace

std::optional<std::string_view> HttpFields::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> HttpFields::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& field : fields_) {
    if (equal_ignoring_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

bool HttpFields::lists(std::string_view name, std::string_view token) const {
  for (std::string_view rest : all(name)) {
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case(trim_blanks(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

std::string to_text(const HttpRequestHead& head) {
  return lines_of(fmt::format("{} {} HTTP/1.{}", head.method, head.target, head.minor_version), head.fields);
}

std::string to_text(const HttpResponseHead& head) {
  return lines_of(fmt::format("HTTP/1.{} {} {}", head.minor_version, head.status, head.reason), head.fields);
}

Result<HttpAuthority> parse_authority(std::string_view target) {
  const auto colon = target.rfind(':');
  if (colon == std::string_view::npos) return Complaint{"a CONNECT target has a port"};
  std::string_view host = target.substr(0, colon);
  const std::string_view digits = target.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty() || digits.size() > 5 ||
      port == 0 || port > 0xFFFF) {
    return Complaint{"a CONNECT target has a port between 1 and 65535"};
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return Complaint{"a bracket is not closed"};
    host = host.substr(1, host.size() - 2);
    const auto address = parse_address(host);
    if (!address || !address->is_v6()) return Complaint{"what stands in brackets is not an IPv6 address"};
  } else {
    // reg-name and IPv4address of RFC 3986 §3.2.2; user information, paths and bare IPv6 addresses do not fit.
    const auto allowed = [](char c) {
      return is_digit(c) || is_alpha(c) || std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
    };
    if (host.empty() || host.size() > 255 || !std::all_of(host.begin(), host.end(), allowed)) {
      return Complaint{"a CONNECT target is host:port and nothing else"};
    }
  }
  return HttpAuthority{std::string(host), static_cast<std::uint16_t>(port)};
}

namespace http_detail {

void Lines::stop(HttpState state, std::string reason) {
  state_ = state;
  reason_ = std::move(reason);
}

bool Lines::take(char c) {
  if (++size_ > limits_.bytes) {
    stop(HttpState::too_large, fmt::format("the head is longer than {} bytes", limits_.bytes));
    return false;
  }
  if (c == '\n') {
    return_seen_ = false;
    return true;
  }
  if (return_seen_) {
    stop(HttpState::bad, "a carriage return inside a line");
  } else if (c == '\r') {
    return_seen_ = true;
  } else if (is_control(c) && c != '\t') {
    stop(HttpState::bad, "a control character");
  } else {
    line_ += c;
  }
  return false;
}

void Lines::take_field(std::string_view line, HttpFields& fields) {
  if (is_blank(line.front())) {
    if (fields.size() == 0) return stop(HttpState::bad, "a field begins with white space");
    const auto more = trim_blanks(line);
    if (!more.empty()) fields.append_to_last(fmt::format(" {}", more));
    return;
  }
  const auto colon = std::min(line.find(':'), line.size());
  if (colon == line.size() || !is_token(line.substr(0, colon))) {
    return stop(HttpState::bad, "a line is not a field: name, colon, value");
  }
  if (fields.size() == limits_.fields) {
    return stop(HttpState::too_large, fmt::format("more than {} fields", limits_.fields));
  }
  fields.add(std::string(line.substr(0, colon)), std::string(trim_blanks(line.substr(colon + 1))));
}

}  // namespace http_detail

template <class Head>
std::size_t HttpHeadParser<Head>::feed(Bytes arrived) {
  std::size_t used = 0;
  while (state_ == HttpState::more && used < arrived.size()) {
    const bool whole = take(static_cast<char>(arrived[used++]));
    if (state_ != HttpState::more) break;
    if (!whole) {
      if (!first_line_done_) check_unfinished_first_line();
      continue;
    }
    if (first_line_done_ && line_.empty()) {
      state_ = HttpState::head;
    } else if (first_line_done_) {
      take_field(line_, head_.fields);
    } else if (!line_.empty()) {  // empty lines before the first one are skipped (RFC 9112 §2.2)
      take_first_line();
      first_line_done_ = true;
    }
    line_.clear();
  }
  return used;
}

template <>
void HttpHeadParser<HttpRequestHead>::check_unfinished_first_line() {
  const std::string_view line = line_;
  const auto method = line.substr(0, line.find(' '));
  if (!line.empty() && (method.empty() || method.size() > longest_method || !is_token_char(method.back()))) {
    stop(HttpState::bad, "a request begins with a method");
  }
}

template <>
void HttpHeadParser<HttpRequestHead>::take_first_line() {
  const std::string_view line = line_;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !is_version(line.substr(last + 1))) {
    return stop(HttpState::bad, "a request line is a method, a target and HTTP/1.x");
  }
  head_.method = line.substr(0, first);
  head_.target = line.substr(first + 1, last - first - 1);
  head_.minor_version = static_cast<unsigned>(line.back() - '0');
  const bool blanks = std::any_of(head_.target.begin(), head_.target.end(), is_blank);
  if (blanks || head_.target.empty() || !is_token(head_.method)) stop(HttpState::bad, "white space in a request line");
}

template <>
void HttpHeadParser<HttpResponseHead>::check_unfinished_first_line() {
  const std::string_view line = line_;
  if (line.substr(0, version_start.size()) != version_start.substr(0, line.size())) {
    stop(HttpState::bad, "a response begins with HTTP/1.");
  }
}

template <>
void HttpHeadParser<HttpResponseHead>::take_first_line() {
  // "HTTP/1.1 200" and, behind a space that some servers leave out, the reason (RFC 9112 §4).
  const std::string_view line = line_;
  const auto digits = line.substr(std::min<std::size_t>(line.size(), 9), 3);
  const bool good = is_version(line.substr(0, 8)) && line.size() >= 12 && line[8] == ' ' &&
                    std::all_of(digits.begin(), digits.end(), is_digit) && digits[0] != '0' &&
                    (line.size() == 12 || line[12] == ' ');
  if (!good) return stop(HttpState::bad, "a status line is HTTP/1.x, three digits and a reason");
  std::from_chars(digits.data(), digits.data() + digits.size(), head_.status);
  head_.minor_version = static_cast<unsigned>(line[7] - '0');
  head_.reason = line.substr(std::min<std::size_t>(line.size(), 13));
}

template class HttpHeadParser<HttpRequestHead>;
template class HttpHeadParser<HttpResponseHead>;

}  // namespace crypelab::wire
