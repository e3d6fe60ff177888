#pragma once

#include "harness/kernel/program.h"

#include <string>
#include <vector>

#include <sys/resource.h>

namespace crypelab::kernel {

// Steps between clone and exec, for telling which one failed.
enum class StartStep : int {
  network,
  mounts,
  kernel_files,
  shared_memory,
  host_name,
  terminal,
  process,
  files,
  limits,
  powers,
  identity,
  directory,
  run
};
const char* describe(StartStep step);

// From the program's first process to the lab.
struct ProgramNotice {
  enum class Kind : int { not_started, ended, stopped };  // value: errno, wait status, signal
  Kind kind = Kind::ended;
  int value = 0;
  StartStep step = StartStep::run;
};

// A ProgramPlan with everything laid out beforehand: what runs after the clone may be the copy of a process with
// threads, and so allocates nothing, takes no lock, and uses the C library only where that is async-signal-safe.
struct ProgramLaunch {
  ProgramLaunch(const ProgramPlan& plan, int control);

  const ProgramPlan& plan;
  int control;                           // to the lab; commands come in as one byte, a signal number
  std::vector<std::string> candidates;   // paths to try, in this order
  std::vector<std::string> assignments;  // "NAME=value"
  std::vector<char*> arguments;          // as execve(2) wants them
  std::vector<char*> environment;
  struct Limit {
    int resource;
    rlimit value;
  };
  std::vector<Limit> limits;
  std::uint64_t kept = 0;  // capabilities, one bit each
  // Where this process's own command line lies: the first process is a copy of it, and shows it to the program.
  char* command_line = nullptr;
  std::size_t command_line_size = 0;
};

// The first process of a program (`launch` is a ProgramLaunch): sets the namespaces up, starts the program, reaps, and
// ends with it; then the kernel kills the rest.
int run_program_init(void* launch);

}  // namespace crypelab::kernel
