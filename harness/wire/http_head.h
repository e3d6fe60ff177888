#pragma once

#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Heads of HTTP/1.x messages (RFC 9112) without any connection: what stands before the body or the tunnel.

namespace crypelab::wire {

struct HttpField {
  std::string name;   // as sent
  std::string value;  // without white space around it; folded lines joined by a space (RFC 9112 §5.2)
};

// Field names compare without regard to case (RFC 9110 §5.1). In the order of the wire.
class HttpFields {
 public:
  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  std::optional<std::string_view> find(std::string_view name) const;  // the first of that name
  std::vector<std::string_view> all(std::string_view name) const;
  // Whether `token` is an element of the comma-separated lists in the fields of that name, without regard to case.
  bool lists(std::string_view name, std::string_view token) const;
  std::size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  void append_to_last(std::string_view more) { fields_.back().value.append(more); }

 private:
  std::vector<HttpField> fields_;
};

struct HttpRequestHead {
  std::string method;  // case-sensitive (RFC 9110 §9.1)
  std::string target;
  unsigned minor_version = 1;  // HTTP/1.minor
  HttpFields fields;
};

struct HttpResponseHead {
  unsigned status = 0;  // 100 to 999
  std::string reason;
  unsigned minor_version = 1;
  HttpFields fields;
};

// The text with the empty line behind it. Control characters in any part become spaces, so that no value can end its
// line.
std::string to_text(const HttpRequestHead& head);
std::string to_text(const HttpResponseHead& head);

// The authority form of a CONNECT target: "host:port", the port required, an IPv6 address in brackets, and nothing else
// (RFC 9112 §3.2.3, RFC 9110 §9.3.6). The host is given without brackets.
struct HttpAuthority {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const HttpAuthority&) const = default;
};
Result<HttpAuthority> parse_authority(std::string_view target);

struct HttpLimits {
  std::size_t bytes = 16'384;  // of the whole head
  std::size_t fields = 100;
};

enum class HttpState {
  more,       // a valid beginning
  head,       // whole
  bad,        // not HTTP/1.x, see `reason`: as soon as a byte of the first line, or the end of another one, says so
  too_large,  // beyond the limits
};

namespace http_detail {

// Cuts a head into lines; what a line means is the business of the parsers below.
class Lines {
 public:
  explicit Lines(HttpLimits limits) : limits_(limits) {}
  HttpState state() const { return state_; }
  const std::string& reason() const { return reason_; }
  void stop(HttpState state, std::string reason);
  void take_field(std::string_view line, HttpFields& fields);

 protected:
  // The next byte. True when `line_` is a whole line, without its end.
  bool take(char c);

  HttpLimits limits_;
  HttpState state_ = HttpState::more;
  std::string reason_;
  std::string line_;
  std::size_t size_ = 0;
  bool return_seen_ = false;
  bool first_line_done_ = false;
};

}  // namespace http_detail

// Reads one head, in any segmentation. A line may end in LF alone (RFC 9112 §2.2); white space before a colon is
// refused (§5.1), as are control characters.
template <class Head>
class HttpHeadParser : private http_detail::Lines {
 public:
  explicit HttpHeadParser(HttpLimits limits = {}) : Lines(limits) {}

  // How many of the bytes belong to the head; the others are body or tunnel. None once the state is not `more`.
  std::size_t feed(Bytes arrived);
  using Lines::reason;
  using Lines::state;
  const Head& head() const { return head_; }

 private:
  void take_first_line();
  void check_unfinished_first_line();

  Head head_;
};

using HttpRequestParser = HttpHeadParser<HttpRequestHead>;
using HttpResponseParser = HttpHeadParser<HttpResponseHead>;

}  // namespace crypelab::wire
