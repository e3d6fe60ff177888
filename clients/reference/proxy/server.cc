#include "clients/reference/proxy/server.h"

#include "harness/base/address.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <optional>

namespace crypelab::client::proxy {
namespace {

using Kind = Server::Kind;

struct Known {
  std::string_view name;
  Kind kind;
  std::uint16_t port;
};
constexpr Known schemes[] = {{"http", Kind::http, 80},
                             {"https", Kind::https, 443},
                             {"socks5", Kind::socks5, 1080},
                             {"socks", Kind::socks5, 1080},
                             {"direct", Kind::direct, 0}};
constexpr Known pac_words[] = {{"PROXY", Kind::http, 80},
                               {"HTTP", Kind::http, 80},
                               {"HTTPS", Kind::https, 443},
                               {"SOCKS5", Kind::socks5, 1080},
                               {"SOCKS", Kind::socks5, 1080}};

bool is_host_char(char c) { return wire::is_alpha(c) || wire::is_digit(c) || c == '.' || c == '-' || c == '_'; }

// "host", "host:port", "[v6]:port"; nothing behind it.
Result<Server> parse_place(Kind kind, std::uint16_t port, std::string_view text) {
  Server server{kind, {}, port};
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    const auto inside = text.substr(1, end == std::string_view::npos ? 0 : end - 1);
    const auto address = parse_address(inside);
    if (!address || !address->is_v6()) return Complaint{"'" + std::string(text) + "' is no IPv6 address in brackets"};
    server.host = to_string(*address);
    rest = text.substr(end + 1);
  } else {
    const auto end = std::min(text.find(':'), text.size());
    server.host = text.substr(0, end);
    rest = text.substr(end);
    std::transform(server.host.begin(), server.host.end(), server.host.begin(), wire::lower);
    if (server.host.empty() || server.host.size() > 255 ||
        !std::all_of(server.host.begin(), server.host.end(), is_host_char)) {
      return Complaint{"'" + std::string(text) + "' names no host"};
    }
  }
  if (rest.empty()) return server;
  const auto told = rest[0] == ':' ? wire::parse_decimal(rest.substr(1), 65'535) : std::nullopt;
  if (!told || *told == 0) return Complaint{"'" + std::string(text) + "' has no port after its host"};
  server.port = static_cast<std::uint16_t>(*told);
  return server;
}

}  // namespace

std::string authority_of(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string to_string(const Server& server) {
  switch (server.kind) {
    case Kind::direct:
      return "direct://";
    case Kind::http:
      return "http://" + authority_of(server.host, server.port);
    case Kind::https:
      return "https://" + authority_of(server.host, server.port);
    case Kind::socks5:
      return "socks5://" + authority_of(server.host, server.port);
  }
  return {};
}

Result<Server> parse_server(std::string_view text) {
  text = wire::trim_blanks(text);
  std::string_view scheme = "http";
  if (const auto at = text.find("://"); at != std::string_view::npos) {
    scheme = text.substr(0, at);
    text.remove_prefix(at + 3);
  }
  for (const auto& known : schemes) {
    if (!wire::equal_ignoring_case(known.name, scheme)) continue;
    if (text.ends_with('/')) text.remove_suffix(1);
    if (known.kind == Kind::direct) {
      if (!text.empty()) return Complaint{"direct:// takes no host"};
      return Server{};
    }
    return parse_place(known.kind, known.port, text);
  }
  return Complaint{"'" + std::string(scheme.substr(0, 40)) + "' is no kind of proxy that is known here"};
}

std::vector<Server> parse_pac_answer(std::string_view text) {
  std::vector<Server> servers;
  while (!text.empty() && servers.size() < 32) {
    auto entry = wire::trim_blanks(wire::take_until(text, ';'));
    const auto word = entry.substr(0, std::min(entry.find_first_of(" \t"), entry.size()));
    const auto place = wire::trim_blanks(entry.substr(word.size()));
    if (wire::equal_ignoring_case(word, "DIRECT") && place.empty()) servers.emplace_back();
    for (const auto& known : pac_words) {
      if (!wire::equal_ignoring_case(known.name, word)) continue;
      if (auto server = parse_place(known.kind, known.port, place)) servers.push_back(std::move(*server));
    }
  }
  if (servers.empty()) servers.emplace_back();
  return servers;
}

}  // namespace crypelab::client::proxy
