#include "clients/reference/command_line.h"

#include "clients/reference/misbehaviour.h"

#include <charconv>

#include <fmt/format.h>

namespace crypelab::client {
namespace {

constexpr unsigned most_sessions = 10'000;

constexpr std::string_view usage =
    "crypelab-client: the reference CRYPE client. Reads a job (clients/CONTRACT.md) on standard input, writes events\n"
    "as lines of JSON on standard output.\n"
    "\n"
    "  --sessions N            as many sessions of the same job in one process, in rooms NAME.0, NAME.1 ...\n"
    "  --list-misbehaviours    the rules that it breaks on request: `misbehave` of the job\n"
    "  --version\n"
    "  --help\n"
    "\n"
    "Exit status: 0 the job is done; 1 tried and could not; 64 malformed job or bad usage; 127 the job asks for\n"
    "something that this client does not do.\n";

}  // namespace

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  CommandLine command;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (argument == "--help") {
      command.answer = usage;
    } else if (argument == "--version") {
      command.answer = fmt::format("crypelab-client {}\n", version);
    } else if (argument == "--list-misbehaviours") {
      for (const auto& rule : broken_rules()) command.answer += fmt::format("{:<18} {}\n", rule.id, rule.effect);
    } else if (argument == "--sessions") {
      const std::string number = ++i < arguments.size() ? arguments[i] : "";
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), command.sessions);
      const bool whole = error == std::errc() && end == number.data() + number.size();
      if (!whole || command.sessions == 0 || command.sessions > most_sessions) {
        return Complaint{fmt::format("--sessions needs a number from 1 to {}", most_sessions)};
      }
    } else {
      return Complaint{fmt::format("'{}' is not understood; try --help", argument)};
    }
  }
  return command;
}

std::vector<std::string> features() {
  return {
      "turn-udp",   "turn-tcp",    "turn-tls",      "turn-ipv6",       "ice-tcp",      "trickle",    "ice-restart",
      "proxy-http", "proxy-https", "proxy-socks5",  "proxy-basic",     "proxy-digest", "proxy-ntlm", "proxy-negotiate",
      "proxy-pac",  "proxy-wpad",  "signaling-wss", "signaling-https", "throughput",   "hold",       "relay-load"};
}

}  // namespace crypelab::client
