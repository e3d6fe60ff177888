#pragma once

#include <string>
#include <variant>
#include <vector>

namespace crypelab::cli {

// What the command line asked for: one value per subcommand.
struct Doctor {
  bool json = false;
};
struct List {
  std::vector<std::string> paths;  // files or folders; empty: the scenarios that come with the program
};
struct Check {
  std::vector<std::string> files;
};
enum class Form { text, svg, graphviz, rules };
struct Show {
  std::string scenario;
  Form form = Form::text;
};
struct Exec {
  std::string scenario;
  std::string host;  // empty: the first client
  bool privileged = false;
  std::string events;  // a file for what the services saw
  std::vector<std::string> command;
};
struct Shell {
  std::string scenario;
  std::string host;
  bool privileged = false;
};
struct Measure {
  std::string scenario;
  bool quick = false;
  bool cached = false;
  bool json = false;
};
struct Completion {
  std::string shell;
};
struct Print {  // --help, --version: text for standard output, and nothing else to do
  std::string text;
};
using Arguments = std::variant<Print, Doctor, List, Check, Show, Exec, Shell, Measure, Completion>;

inline constexpr const char* kVersion = "crypelab 0.1.0";

// Throws Failure{Exit::usage} with what is wrong and where the help is.
Arguments parse(int argc, const char* const* argv);

// The whole help as it stands in the man page and in the completions: one line an option.
struct OptionHelp {
  std::string command;  // "exec", or empty for the program itself
  std::string option;   // "--host"
  std::string text;
};
std::vector<OptionHelp> option_help();

}  // namespace crypelab::cli
