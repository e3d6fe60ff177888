#include "harness/base/error.h"
#include "harness/probe/measure.h"
#include "harness/probe/reflect.h"

#include <charconv>
#include <cstdio>
#include <span>
#include <string_view>

namespace {

using crypelab::Exit;
using crypelab::Failure;

constexpr const char* kUsage =
    "usage: crypelab-probe reflect --address A [--address B ...] [--udp PORT ...] [--tcp PORT ...] [--log]\n"
    "       crypelab-probe measure < JOB\n"
    "\n"
    "reflect   the far side: answers STUN (RFC 5780, with two addresses) and measuring packets on the UDP and TCP "
    "ports\n"
    "          3478, 3479 and those named; prints {\"event\":\"ready\"}, and with --log what it receives\n"
    "measure   answers the questions of a job: one line of JSON in, one line of JSON out for each answer\n";

std::uint16_t port_from(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    throw Failure(Exit::usage, "'" + std::string(text) + "' is not a port (1 to 65535)");
  }
  return port;
}

crypelab::probe::ReflectOptions reflect_options(std::span<char*> words) {
  crypelab::probe::ReflectOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--log") {
      options.log = true;
      continue;
    }
    if (word != "--address" && word != "--udp" && word != "--tcp") {
      throw Failure(Exit::usage, "'" + std::string(word) + "' is not known here\n" + kUsage);
    }
    if (++i == words.size()) throw Failure(Exit::usage, std::string(word) + " needs a value\n" + kUsage);
    if (word == "--udp") options.udp_ports.push_back(port_from(words[i]));
    if (word == "--tcp") options.tcp_ports.push_back(port_from(words[i]));
    if (word == "--address") {
      const auto address = crypelab::parse_address(words[i]);
      if (!address) throw Failure(Exit::usage, address.complaint());
      options.addresses.push_back(*address);
    }
  }
  if (options.addresses.empty()) throw Failure(Exit::usage, std::string("reflect needs an --address\n") + kUsage);
  return options;
}

int run(std::span<char*> words) {
  const std::string_view command = words.empty() ? "" : words[0];
  if (command == "--help" || command == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (command == "reflect") return crypelab::probe::reflect(reflect_options(words.subspan(1)));
  if (command == "measure" && words.size() == 1) return crypelab::probe::measure();
  throw Failure(Exit::usage, kUsage);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::span(argv, static_cast<std::size_t>(argc)).subspan(argc > 0 ? 1 : 0));
  } catch (const Failure& failure) {
    std::fprintf(stderr, "crypelab-probe: %s\n", failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crypelab-probe: %s\n", error.what());
    return static_cast<int>(Exit::software);
  }
}
