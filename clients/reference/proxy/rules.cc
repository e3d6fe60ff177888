#include "clients/reference/proxy/rules.h"

#include "harness/wire/text.h"

namespace crypelab::client::proxy {
namespace {

constexpr std::size_t most_servers = 32;

Result<Servers> parse_list(std::string_view text) {
  Servers servers;
  while (!text.empty()) {
    const auto one = wire::trim_blanks(wire::take_until(text, ','));
    if (one.empty()) continue;
    auto server = parse_server(one);
    if (!server) return Complaint{server.complaint()};
    if (servers.size() == most_servers) return Complaint{"more than 32 proxies in one list"};
    servers.push_back(std::move(*server));
  }
  if (servers.empty()) return Complaint{"a list without a proxy"};
  return servers;
}

}  // namespace

Rules Rules::of(Servers everything) {
  Rules rules;
  rules.everything_ = std::move(everything);
  return rules;
}

void Rules::set(std::string_view scheme, Servers servers) {
  if (scheme == "http") http_ = std::move(servers);
  if (scheme == "https") https_ = std::move(servers);
  if (scheme == "ftp") ftp_ = std::move(servers);
  if (scheme == "socks") socks_ = std::move(servers);
}

Result<Rules> Rules::parse(std::string_view text) {
  if (text.size() > 10'000) return Complaint{"proxy rules of more than 10,000 characters"};
  Rules rules;
  bool some = false;
  while (!text.empty()) {
    const auto part = wire::trim_blanks(wire::take_until(text, ';'));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto servers = parse_list(equals == std::string_view::npos ? part : part.substr(equals + 1));
    if (!servers) return Complaint{servers.complaint()};
    if (equals == std::string_view::npos) {
      if (some || !wire::trim_blanks(text).empty()) return Complaint{"a list without a scheme stands alone"};
      rules.everything_ = std::move(*servers);
    } else {
      const auto scheme = wire::trim_blanks(part.substr(0, equals));
      if (scheme != "http" && scheme != "https" && scheme != "ftp" && scheme != "socks") {
        return Complaint{"'" + std::string(scheme.substr(0, 40)) + "=': http, https, ftp or socks is meant"};
      }
      if (scheme == "socks") {
        // As everywhere: a proxy of that list without a scheme of its own speaks SOCKS.
        auto list = part.substr(equals + 1);
        for (std::size_t i = 0; i < servers->size();) {
          const auto one = wire::trim_blanks(wire::take_until(list, ','));
          if (one.empty()) continue;
          if (one.find("://") == std::string_view::npos) (*servers)[i] = *parse_server("socks5://" + std::string(one));
          ++i;
        }
      }
      rules.set(scheme, std::move(*servers));
    }
    some = true;
  }
  if (!some) return Complaint{"no proxy is named"};
  return rules;
}

const Servers& Rules::servers(std::string_view scheme) const {
  if (!everything_.empty()) return everything_;
  if (scheme == "ws" || scheme == "wss") {
    if (!socks_.empty()) return socks_;
    return !https_.empty() ? https_ : http_;
  }
  const auto& own = scheme == "http" ? http_ : scheme == "ftp" ? ftp_ : https_;
  return own.empty() ? socks_ : own;
}

}  // namespace crypelab::client::proxy
