// Proxy rules, bypass rules, PAC answers, resolver files, ICE URIs: whatever the text, no crash, and what was
// understood can be written and understood again.
#include "clients/reference/proxy/settings.h"
#include "clients/reference/transport/ice_server.h"
#include "clients/reference/transport/resolver_files.h"
#include "harness/wire/bytes.h"

#include <cstdlib>

using namespace crypelab;
using namespace crypelab::client;

namespace {

void check_servers(const proxy::Servers& servers) {
  for (const auto& server : servers) {
    const auto again = proxy::parse_server(proxy::to_string(server));
    if (!again || *again != server) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto text = wire::text_of({data + 1, size - 1});
  switch (data[0] % 6) {
    case 0:
      if (const auto rules = proxy::Rules::parse(text)) {
        for (const auto* scheme : {"http", "https", "wss", "ftp"}) check_servers(rules->servers(scheme));
      }
      break;
    case 1:
      if (const auto bypass = proxy::Bypass::parse(text)) {
        if (!bypass->matches("https", "localhost", 443) && text.find('-') == std::string_view::npos) std::abort();
        bypass->matches("https", "www.example.test", 443);
        bypass->matches("wss", "2001:db8::1", 80);
      }
      break;
    case 2: {
      const auto servers = proxy::parse_pac_answer(text);
      if (servers.empty()) std::abort();
      check_servers(servers);
      break;
    }
    case 3: {
      const auto file = transport::parse_resolv_conf(text);
      if (file.servers.empty() || file.servers.size() > 3) std::abort();
      if (transport::names_to_ask(file, "turn.crype.test").empty()) std::abort();
      transport::hosts_of(text, "turn.crype.test");
      break;
    }
    case 4:
      if (const auto uri = transport::parse_ice_uri(text)) {
        const auto again = transport::parse_ice_uri(transport::to_string(*uri));
        if (!again || *again != *uri) std::abort();
      }
      break;
    default:
      proxy::from_environment({{"all_proxy", std::string(text)}});
      proxy::Bypass::parse_no_proxy(text).matches("https", "www.example.test", 443);
      break;
  }
  return 0;
}
