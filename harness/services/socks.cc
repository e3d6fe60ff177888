#include "harness/services/socks.h"

#include "harness/services/password_file.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace crypelab::services {
namespace {

constexpr std::size_t kLongestReason = 200;

std::string configuration(const SocksSettings& settings) {
  std::string text = "logoutput: stdout\n";
  for (const auto& address : settings.addresses)
    text += fmt::format("internal: {} port = {}\n", to_string(address), settings.socks.port);
  for (const auto& address : settings.addresses) text += fmt::format("external: {}\n", to_string(address));
  text += fmt::format("clientmethod: none\nsocksmethod: {}\n", settings.socks.users.empty() ? "none" : "username");
  text += "client pass {\n  from: 0/0 to: 0/0\n  log: connect disconnect error\n}\n";
  const auto pass = [&](const std::string& ports) {
    text += fmt::format(
        "socks pass {{\n  from: 0/0 to: 0/0{}\n  command: connect\n  log: connect disconnect error\n}}\n", ports);
  };
  if (settings.socks.connect_ports.empty()) pass("");
  for (const auto& range : settings.socks.connect_ports) {
    pass(range.first == range.last ? fmt::format(" port = {}", range.first)
                                   : fmt::format(" port {}-{}", range.first, range.last));
  }
  return text;
}

// The piece of `text` up to `mark`, which goes from it with the mark; nullopt when the mark is not there.
std::optional<std::string_view> cut(std::string_view& text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto piece = text.substr(0, at);
  text.remove_prefix(at + mark.size());
  return piece;
}

// Dante writes "10.20.0.10.50778" and "2001:db8::1.443", with "username%alice@" before it.
struct Party {
  std::string user;
  std::string address;
  std::string port;
  std::string endpoint() const {
    return address.find(':') == std::string::npos ? address + ":" + port : "[" + address + "]:" + port;
  }
};

std::optional<Party> party(std::string_view text) {
  Party party;
  if (auto user = cut(text, "@")) {
    cut(*user, "%");
    party.user = *user;
  }
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos || text.find(' ') != std::string_view::npos) return std::nullopt;
  party.address = text.substr(0, dot);
  party.port = text.substr(dot + 1);
  return parse_address(party.address) ? std::optional(party) : std::nullopt;
}

struct Parties {
  Party client;
  Party server;
};

// "CLIENT SERVER"
std::optional<Parties> parties(std::string_view text) {
  const auto client = cut(text, " ");
  if (!client) return std::nullopt;
  const auto from = party(*client);
  const auto to = party(text);
  if (!from || !to) return std::nullopt;
  return Parties{*from, *to};
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

model::Event event(std::string kind, const Parties& who) {
  model::Event made;
  made.source = model::Source::proxy;
  made.kind = std::move(kind);
  made.fields.emplace_back("client", who.client.endpoint());
  return made;
}

void put(model::Event& made, std::string name, std::string_view text) {
  if (!text.empty()) made.fields.emplace_back(std::move(name), std::string(text.substr(0, kLongestReason)));
}

// "CLIENT SERVER -> LOCAL TARGET"
std::optional<model::Event> opened(std::string_view text) {
  const auto first = cut(text, " -> ");
  const auto who = first ? parties(*first) : std::nullopt;
  const auto there = parties(text);
  if (!who || !there) return std::nullopt;
  auto made = event("tunnel-opened", *who);
  put(made, "upstream", there->server.endpoint());
  put(made, "user", who->client.user);
  return made;
}

// "SENT -> CLIENT SERVER -> RECEIVED, BYTES -> LOCAL TARGET -> BYTES: REASON.  Session duration: 0s"
std::optional<model::Event> closed(std::string_view text) {
  const auto sent = cut(text, " -> ");
  const auto client = cut(text, " -> ");
  const auto received = cut(text, ", ");
  cut(text, " -> ");
  const auto upstream = cut(text, " -> ");
  cut(text, ": ");
  const auto reason = cut(text, ".  Session duration");
  const auto who = client ? parties(*client) : std::nullopt;
  const auto there = upstream ? parties(*upstream) : std::nullopt;
  if (!who || !there || !sent || !number(*sent) || !received || !number(*received)) return std::nullopt;
  auto made = event("tunnel-closed", *who);
  put(made, "upstream", there->server.endpoint());
  put(made, "user", who->client.user);
  made.fields.emplace_back("received", *number(*received));
  made.fields.emplace_back("sent", *number(*sent));
  put(made, "reason", reason.value_or(""));
  return made;
}

// "CLIENT SERVER: REASON"
std::optional<model::Event> refused(std::string_view text) {
  const auto first = cut(text, ": ");
  const auto who = first ? parties(*first) : std::nullopt;
  if (!who || who->client.address == who->server.address) return std::nullopt;
  auto made = event("refused", *who);
  put(made, "reason", text);
  return made;
}

}  // namespace

Process socks(const SocksSettings& settings) {
  const bool asks = !settings.socks.users.empty();
  Process process;
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"danted", "-f", "{dir}/danted.conf", "-p", "{dir}/danted.pid"};
  process.files = {{"danted.conf", configuration(settings)}};
  // It knows no users but those of the machine that it runs on.
  if (asks) {
    auto& shadow = process.system_files["/etc/shadow"];
    std::string_view left;
    const auto hashes = crypt_file(settings.socks.users, settings.full_name);
    for (left = hashes; auto line = cut(left, "\n");) shadow += fmt::format("{}:::::::\n", *line);
  }
  // RFC 1928 section 3: it chooses among the methods that are offered.
  process.readiness = AnswersTcp{{settings.addresses.at(0), settings.socks.port},
                                 asks ? std::string("\x05\x01\x02", 3) : std::string("\x05\x01\x00", 3)};
  process.read_log = read_dante_log;
  process.package = "dante-server";
  return process;
}

std::vector<model::Event> read_dante_log(std::string_view line) {
  std::optional<model::Event> found;
  if (!cut(line, "]: info: ")) return {};
  if (!cut(line, "): tcp/")) return {};
  if (line.starts_with("connect [: ")) {
    found = opened(line.substr(11));
  } else if (line.starts_with("connect ]: ")) {
    found = closed(line.substr(11));
  } else if (line.starts_with("accept ]: ")) {
    found = refused(line.substr(10));
  }
  if (!found) return {};
  return {std::move(*found)};
}

}  // namespace crypelab::services
