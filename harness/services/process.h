#pragma once

#include "harness/base/address.h"
#include "harness/model/event.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace crypelab::services {

// A file that a program needs, by the name that its command line uses. Lies in memory, in the program's own folder.
struct File {
  std::string name;       // relative to the program's folder, which stands for "{dir}" in argv and in contents
  std::string content;    // "{secret:NAME}" in it stands for a password that every lab makes anew
  bool verbatim = false;  // nothing in it stands for anything
  bool operator==(const File&) const = default;
};

// Who signs a certificate: the lab's authority, which every host trusts; a corporate one, which the hosts of some sites
// trust; or one that nobody knows.
enum class Issuer { lab, corporate, stranger };
enum class Validity { now, expired, not_yet };
// Made for the program when the lab comes up, as "{dir}/FILE.crt" and "{dir}/FILE.key" (PEM).
struct Certificate {
  std::string file;
  std::vector<std::string>
      names;  // DNS names and addresses; empty: the authority itself, for programs that mint leaves
  Issuer issuer = Issuer::lab;
  Validity validity = Validity::now;
  bool rsa = false;
  bool operator==(const Certificate&) const = default;
};

// When a program is ready: a fact, never an open port.
struct AnswersDns {  // a question for `name` sent from the program's own host is answered, whatever the answer
  Endpoint server;
  std::string name;
  bool operator==(const AnswersDns&) const = default;
};
// The name that every resolver of the lab answers by itself.
inline constexpr const char* kReadyName = "ready.lab.test";
struct PrintsLine {  // a line that contains `text` on standard output or error
  std::string text;
  bool operator==(const PrintsLine&) const = default;
};
struct AnswersTcp {  // a connection made from the program's own host is answered with at least one byte after `request`
  Endpoint server;
  std::string request;
  bool operator==(const AnswersTcp&) const = default;
};
struct AnswersStun {  // a Binding request over UDP is answered
  Endpoint server;
  bool operator==(const AnswersStun&) const = default;
};
struct AnswersTurn {  // Binding requests are answered over UDP there, and over TCP there
  Endpoint udp;
  Endpoint tcp;
  bool operator==(const AnswersTurn&) const = default;
};
struct HasInterface {  // the program has made this interface in its host
  std::string name;
  bool operator==(const HasInterface&) const = default;
};
struct AnswersTls {  // a ClientHello for `name` sent from the program's own host is answered with a handshake of TLS
  Endpoint server;
  std::string name;
  bool operator==(const AnswersTls&) const = default;
};
struct Immediately {
  bool operator==(const Immediately&) const = default;
};
using Readiness =
    std::variant<Immediately, AnswersDns, AnswersTcp, AnswersTls, AnswersStun, AnswersTurn, PrintsLine, HasInterface>;

// What a line of a program's output says, if it is a line made for machines; the lab adds time and place. Pure.
using LogReader = std::vector<model::Event> (*)(std::string_view line);

// A program of the world, as it must run: settings -> configuration text and command line. Pure.
struct Process {
  std::string name;  // unique in the lab: "office.resolver"
  std::string host;  // where it runs
  std::vector<std::string>
      argv;  // argv[0] is a program name to be found in the system's folders, "{bin}/x" is one of ours
  std::map<std::string, std::string> environment;  // added to PATH, HOME and LANG; "{dir}" and "{bin}" stand here, too
  std::vector<File> files;
  std::map<std::string, std::string> system_files;  // absolute path to text, over what the machine has there
  std::vector<Certificate> certificates;
  bool network_administrator = false;  // keeps CAP_NET_ADMIN in its host's network (nft sets, tunnel interfaces)
  bool raw_sockets = false;            // keeps CAP_NET_RAW there
  bool tunnel_device = false;          // needs /dev/net/tun
  Readiness readiness;
  std::chrono::seconds patience{5};  // not ready by then, it never will be
  std::string folder;                // of the machine outside, that it may read; or empty
  std::string after;  // the process that must be ready before this one starts, or empty: side by side with the others
  LogReader read_log = nullptr;       // of its standard output and error
  std::vector<std::string> programs;  // what must be there besides argv[0]
  // Debian package that holds them, for the message when one is missing; empty: the scenario names the program.
  std::string package;
  bool operator==(const Process&) const = default;
};

}  // namespace crypelab::services
