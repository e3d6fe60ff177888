#pragma once

#include "harness/base/address.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace crypelab::services {

// A file that a program needs, by the name that its command line uses. Lies in memory, in the program's own folder.
struct File {
  std::string name;  // relative to the program's folder, which stands for "{dir}" in argv and in contents
  std::string content;
  bool operator==(const File&) const = default;
};

// When a program is ready: a fact, never an open port.
struct AnswersDns {  // a question for `name` sent from the program's own host is answered, whatever the answer
  Endpoint server;
  std::string name;
  bool operator==(const AnswersDns&) const = default;
};
struct PrintsLine {  // a line that contains `text` on standard output or error
  std::string text;
  bool operator==(const PrintsLine&) const = default;
};
struct HasInterface {  // the program has made this interface in its host
  std::string name;
  bool operator==(const HasInterface&) const = default;
};
struct Immediately {
  bool operator==(const Immediately&) const = default;
};
using Readiness = std::variant<Immediately, AnswersDns, PrintsLine, HasInterface>;

// A program of the world, as it must run: settings -> configuration text and command line. Pure.
struct Process {
  std::string name;  // unique in the lab: "office.resolver"
  std::string host;  // where it runs
  std::vector<std::string>
      argv;  // argv[0] is a program name to be found in the system's folders, "{bin}/x" is one of ours
  std::vector<File> files;
  bool network_administrator = false;  // keeps CAP_NET_ADMIN in its host's network (nft sets, tunnel interfaces)
  bool tunnel_device = false;          // needs /dev/net/tun
  Readiness readiness;
  std::string package;  // Debian package that holds argv[0], for the message when it is missing
  bool operator==(const Process&) const = default;
};

}  // namespace crypelab::services
