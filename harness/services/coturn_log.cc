#include "harness/services/coturn.h"

#include <charconv>
#include <concepts>
#include <optional>

namespace crypelab::services {
namespace {

// What is left of a line, from which texts are cut.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) {}

  // Cuts `prefix` off, if it is there.
  bool skip(std::string_view prefix) {
    if (!text_.starts_with(prefix)) return false;
    text_.remove_prefix(prefix.size());
    return true;
  }
  // Cuts what stands before `mark`, and the mark; nullopt, and nothing cut, when there is no such mark.
  std::optional<std::string_view> until(std::string_view mark) {
    const auto at = text_.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    const auto before = text_.substr(0, at);
    text_.remove_prefix(at + mark.size());
    return before;
  }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

using Found = std::optional<model::Event>;

struct Line {
  model::Event event;

  explicit Line(std::string kind) {
    event.source = model::Source::turn;
    event.kind = std::move(kind);
  }
  Line& put(const char* name, std::string_view text) {
    event.fields.emplace_back(name, std::string(text));
    return *this;
  }
  Line& put(const char* name, std::int64_t value) {
    event.fields.emplace_back(name, value);
    return *this;
  }
  Line& put(const char* name, std::same_as<bool> auto value) {  // never a text that turns into one
    event.fields.emplace_back(name, value);
    return *this;
  }
};

// "realm=<crype.test>, username=<alice>, lifetime=600", and with TLS ", cipher=NAME, method=TLSv1.2".
Found allocation(const char* kind, std::int64_t session, Rest rest) {
  if (!rest.until("username=<")) return std::nullopt;
  const auto user = rest.until(">, lifetime=");
  if (!user) return std::nullopt;
  const auto cipher_follows = rest.text().find(", cipher=") != std::string_view::npos;
  const auto lifetime = number(cipher_follows ? *rest.until(", cipher=") : rest.text());
  if (!lifetime) return std::nullopt;
  Line line(kind);
  line.put("session", session).put("user", *user).put("lifetime", *lifetime).put("tls", cipher_follows);
  if (cipher_follows) {
    const auto cipher = rest.until(", method=");
    if (!cipher) return std::nullopt;
    line.put("cipher", *cipher).put("method", rest.text());
  }
  return line.event;
}

// "realm <crype.test> user <alice>: incoming packet ALLOCATE processed, success"
Found request(std::int64_t session, Rest rest) {
  const auto user = rest.until(">: incoming packet ");
  const auto method = user ? rest.until(" processed, ") : std::nullopt;
  if (!method) return std::nullopt;
  std::int64_t code = 0;
  std::string_view reason;
  if (rest.skip("error ")) {
    const auto error = rest.until(": ");
    const auto value = error ? number(*error) : std::nullopt;
    if (!value) return std::nullopt;
    code = *value;
    reason = rest.text();
  } else if (rest.text() != "success") {
    return std::nullopt;
  }
  Line line("request");
  line.put("session", session).put("user", *user).put("method", *method).put("error", code);
  if (code != 0) line.put("reason", reason);
  return line.event;
}

// "realm=<crype.test>, username=<alice>, rp=3, rb=284, sp=3, sb=312"
Found usage(const char* kind, std::int64_t session, Rest rest) {
  if (!rest.until("username=<")) return std::nullopt;
  const auto user = rest.until(">, rp=");
  if (!user || user->empty()) return std::nullopt;  // there was no allocation
  Line line(kind);
  line.put("session", session).put("user", *user);
  for (const auto& [name, next] : {std::pair("received_packets", ", rb="), std::pair("received_bytes", ", sp="),
                                   std::pair("sent_packets", ", sb="), std::pair("sent_bytes", "")}) {
    const bool last = *next == '\0';
    const auto text = last ? std::optional(rest.text()) : rest.until(next);
    const auto value = text ? number(*text) : std::nullopt;
    if (!value) return std::nullopt;
    line.put(name, *value);
  }
  return line.event;
}

std::string_view host_of(std::string_view endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

// "user <alice> realm <crype.test> origin <>, local 203.0.113.22:443, remote 198.18.0.2:35298, reason: ..."
Found closed(std::int64_t session, Rest rest) {
  if (!rest.until("user <")) return std::nullopt;
  const auto user = rest.until("> realm <");
  if (!user || !rest.until(">, local ")) return std::nullopt;
  const auto server = rest.until(", remote ");
  const auto client = server ? rest.until(", reason: ") : std::nullopt;
  if (!client) return std::nullopt;
  if (host_of(*server) == host_of(*client)) return std::nullopt;  // the lab asking whether the server is ready
  return Line("closed")
      .put("session", session)
      .put("user", *user)
      .put("server", *server)
      .put("client", *client)
      .put("reason", rest.text())
      .event;
}

Found of_session(Rest rest) {
  const auto digits = rest.until(": ");
  const auto session = digits ? number(*digits) : std::nullopt;
  if (!session) return std::nullopt;
  if (rest.skip("new, ")) return allocation("allocation", *session, rest);
  if (rest.skip("refreshed, ")) return allocation("refresh", *session, rest);
  if (rest.skip("usage: ")) return usage("usage", *session, rest);
  if (rest.skip("peer usage: ")) return usage("peer-usage", *session, rest);
  if (rest.skip("closed (1st stage), ") || rest.skip("closed (2nd stage), ")) return closed(*session, rest);
  if (rest.skip("delete: ")) {
    if (!rest.until("username=<") || !rest.text().ends_with('>')) return std::nullopt;
    return Line("delete").put("session", *session).put("user", *rest.until(">")).event;
  }
  if (rest.skip("peer ")) {
    if (const auto peer = rest.until(" lifetime updated: ")) {
      const auto lifetime = number(rest.text());
      if (!lifetime) return std::nullopt;
      return Line("peer").put("session", *session).put("peer", *peer).put("lifetime", *lifetime).event;
    }
    const auto peer = rest.until(" deleted");
    if (!peer) return std::nullopt;
    return Line("peer-gone").put("session", *session).put("peer", *peer).event;
  }
  if (rest.skip("realm <") && rest.until("> user <")) return request(*session, rest);
  return std::nullopt;
}

Found understand(Rest rest) {
  if (rest.skip("session ")) return of_session(rest);
  if (rest.skip("IPv4. ") || rest.skip("IPv6. ")) {
    if (rest.skip("tcp or tls connected to: ")) return Line("connection").put("client", rest.text()).event;
    if (rest.skip("Local relay addr: ") || rest.skip("Local relay addr (RTCP): ")) {
      return Line("relay").put("address", rest.text()).event;
    }
    return std::nullopt;
  }
  if (rest.skip("ERROR: check_stun_auth: user ")) {
    const auto user = rest.until(" credentials are incorrect");
    if (!user || !rest.text().empty()) return std::nullopt;
    return Line("refused").put("user", *user).put("reason", "the credentials are incorrect").event;
  }
  return std::nullopt;
}

}  // namespace

std::vector<model::Event> read_coturn_log(std::string_view line) {
  // "12: : text": seconds since the start, and a severity that is usually empty.
  Rest rest(line);
  const auto seconds = rest.until(": ");
  if (!seconds || !number(*seconds) || !rest.until(": ")) return {};
  auto event = understand(rest);
  if (!event) return {};
  return {std::move(*event)};
}

}  // namespace crypelab::services
