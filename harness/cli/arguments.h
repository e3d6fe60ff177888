#pragma once

#include "harness/model/scenario.h"

#include <cstdint>
#include <optional>
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
struct Run {
  std::vector<std::string> scenarios;  // files, folders, names; empty: those that come with the program
  std::vector<std::string> clients;    // "alice=DRIVER", or DRIVER for all
  std::optional<model::Tier> tier;     // this one and the quicker ones; absent: quick, and whatever is named
  unsigned jobs = 0;                   // attempts side by side; 0: as many as there are processors
  unsigned repeat = 1;
  std::uint64_t seed = 1;
  std::string filter;  // part of a name or title
  bool strict = false;
  std::vector<std::string> require;  // features
  std::string out;                   // folder; empty: crypelab-runs/DATE-TIME
  bool pause = false;
  bool no_capture = false;
  bool keep_keys = false;
};
struct Judge {
  std::string folder;  // of a run or of an attempt
  bool strict = false;
  std::vector<std::string> require;
  bool json = false;
};
struct Explain {
  std::string folder;
};
struct Completion {
  std::string shell;
};
struct Print {  // --help, --version: text for standard output, and nothing else to do
  std::string text;
};
using Arguments = std::variant<Print, Doctor, List, Check, Show, Exec, Shell, Measure, Run, Judge, Explain, Completion>;

inline constexpr const char* kVersion = "crypelab 0.1.0";

// Throws Failure{Exit::usage} with what is wrong and where the help is.
Arguments parse(int argc, const char* const* argv);

// The whole help as it stands in the man page and in the completions: one line an option.
struct OptionHelp {
  std::string command;  // "exec", or empty for the program itself
  std::string option;   // "--host"
  std::string text;
  bool takes_value = false;
};
std::vector<OptionHelp> option_help();

}  // namespace crypelab::cli
