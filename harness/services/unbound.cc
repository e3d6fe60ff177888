#include "harness/services/unbound.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::services {
namespace {

constexpr const char* kConfiguration = "unbound.conf";

// No cache: an answer is as old as its question. "test." is among the names that unbound would not ask anybody about
// (RFC 6303), and here it is what the world is made of.
constexpr const char* kFixed = R"(  directory: ""
  chroot: ""
  username: ""
  pidfile: ""
  logfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  so-reuseport: no
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  module-config: "dns64 iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 0
  msg-cache-size: 64k
  rrset-cache-size: 64k
  infra-cache-numhosts: 100
  outgoing-range: 256
  num-queries-per-thread: 128
  qname-minimisation: no
  hide-identity: yes
  hide-version: yes
  log-replies: yes
)";

std::string_view word(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto end = std::min(text.find(' '), text.size());
  const auto found = text.substr(0, end);
  text.remove_prefix(end);
  return found;
}

}  // namespace

Process dns64(const Dns64& settings) {
  File file{kConfiguration, "server:\n"};
  for (const auto& address : settings.listen)
    file.content += fmt::format("  interface: {}@{}\n", to_string(address), settings.port);
  file.content += fmt::format("  port: {}\n", settings.port);
  file.content += kFixed;
  file.content += fmt::format("  dns64-prefix: {}\n", to_string(settings.prefix));
  file.content += fmt::format("  local-data: \"{}. 0 IN A 127.0.0.1\"\n", kReadyName);
  file.content += "remote-control:\n  control-enable: no\n";
  file.content += fmt::format("forward-zone:\n  name: \".\"\n  forward-addr: {}@{}\n",
                              to_string(settings.upstream.address), settings.upstream.port);
  Process process;
  process.name = settings.name;
  process.host = settings.host;
  process.argv = {"unbound", "-d", "-p", "-c", fmt::format("{{dir}}/{}", kConfiguration)};
  process.files.push_back(std::move(file));
  process.readiness = AnswersDns{{settings.listen.at(0), settings.port}, kReadyName};
  process.read_log = read_unbound_log;
  process.package = "unbound";
  return process;
}

// "[1795346141] unbound[26801:0] info: 127.0.0.1 turn.crype.test. AAAA IN NOERROR 0.014681 0 72"
std::vector<model::Event> read_unbound_log(std::string_view line) {
  const auto head = line.find("] info: ");
  if (!line.starts_with('[') || head == std::string_view::npos) return {};
  line.remove_prefix(head + 8);
  model::Event event;
  event.source = model::Source::dns;
  event.kind = "answer";
  const auto client = word(line);
  auto name = word(line);
  const auto type = word(line);
  const auto internet = word(line);
  const auto code = word(line);
  if (!parse_address(client) || internet != "IN" || code.empty()) return {};
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  if (name == kReadyName) return {};
  event.fields = {{"client", std::string(client)},
                  {"name", std::string(name)},
                  {"type", std::string(type)},
                  {"code", std::string(code)}};
  return {event};
}

}  // namespace crypelab::services
