#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/faults/dns_server.h"
#include "harness/faults/journal.h"

#include <csignal>

#include <unistd.h>

namespace crypelab::faults {
int run_dns(const std::vector<std::string>& arguments) {
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_errno("signal");
  Journal journal(STDOUT_FILENO);
  DnsServer server(parse_dns_settings(arguments), [&journal](const DnsSeen& seen) {
    const auto type = static_cast<std::uint16_t>(seen.question.type);
    const std::string name = type == 1 ? "A" : type == 28 ? "AAAA" : "TYPE" + std::to_string(type);
    journal.write("question", {{"client", to_string(seen.client)},
                               {"transport", std::string(seen.stream ? "tcp" : "udp")},
                               {"name", printable_name(seen.question.name)},
                               {"type", name},
                               {"fate", std::string(word(seen.fate))}});
  });
  journal.write("ready", {});
  server.run();
  return 0;
}

}  // namespace crypelab::faults
