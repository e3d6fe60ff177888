#pragma once

#include "harness/kernel/child_process.h"
#include "harness/kernel/packet_socket.h"
#include "harness/kernel/supervisor.h"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::kernel {

// What one program may use; 0 leaves a limit as the lab has it. Address space is not limited, since Chromium and Node
// reserve far more than they use; what is limited is private writable memory (RLIMIT_DATA), for each process.
struct ProgramLimits {
  std::uint64_t processes = 2048;  // of the program's uid: of its host as root, of the whole lab rootless
  std::uint64_t data_bytes = 4ULL << 30U;
  std::uint64_t open_files = 8192;
  std::uint64_t file_bytes = 1ULL << 30U;
};

// What `shell --privileged` keeps: all of the host's network, files and processes, and nothing by which the machine
// outside could be changed (no mounts, modules, devices or raw input and output).
std::vector<int> privileged_capabilities();

// One program in a host. Plain values; descriptors are borrowed until the program has been started.
struct ProgramPlan {
  std::vector<std::string> arguments;              // the first is a path, or a name looked up in PATH of `environment`
  std::map<std::string, std::string> environment;  // all of it
  std::string directory = "/";
  int network = -1;  // network namespace; -1: the lab's own
  int mounts = -1;   // HostView::mounts(); -1: as the supervisor sees the machine, for the lab's own tools
  std::string host_name = "host";
  std::optional<Identity> identity;  // Supervised::identity(); none: the lab's own
  std::vector<int> capabilities;     // CAP_* that it keeps; nothing else, no more by set-uid files
  std::vector<int> descriptors;      // the program's descriptors 0, 1, 2 and so on; -1, or none: /dev/null
  int terminal = -1;                 // HostView::Terminal::slave: becomes its controlling terminal
  ProgramLimits limits;
};

// How a program ended.
struct ProgramStatus {
  enum class Kind { exited, signalled, not_started } kind = Kind::exited;
  int value = 0;     // exit status, signal number, or errno
  std::string step;  // of what was not started: what failed

  // As a shell says it: the exit status, 128 + signal, 127 for a program that is not there, 126 for one that cannot be
  // run.
  int exit_status() const;
  std::string text()
      const;  // "exit status 1", "signal 9 (Killed)", "not started: running it: No such file or directory"
};

// A program with a first process of its own: PID, UTS, IPC and mount namespaces below the lab's, so that whatever it
// forks, in whatever session, ends with it. No power over lab or machine but the kept capabilities: no_new_privs, all
// other capabilities gone from every set. It may make a user namespace and is powerful only in there. Killed and reaped
// when destroyed.
class Program {
 public:
  // Throws Failure when the kernel gives no process; what goes wrong later is in the status.
  explicit Program(const ProgramPlan& plan);

  // Readable when something has changed: call poll().
  int descriptor() const { return control_.descriptor(); }
  // How it ended, once it has; never waits.
  std::optional<ProgramStatus> poll();
  // The same, waiting for it.
  std::optional<ProgramStatus> wait_until(std::chrono::steady_clock::time_point deadline);
  ProgramStatus wait();
  // True when it was stopped (Ctrl-Z in its terminal) and not resumed since; poll() finds out.
  bool stopped() const { return stopped_; }
  void resume();

  void signal(int number);  // to its process group; no error when it has ended
  // SIGTERM, and SIGKILL to all of it after `grace`.
  ProgramStatus terminate(std::chrono::milliseconds grace);
  ProgramStatus kill();
  // SIGKILL to all of it, without waiting: of many programs the kernel then clears up side by side.
  void condemn() { init_.signal(SIGKILL); }

 private:
  ChildProcess init_;
  PacketSocket control_;
  bool stopped_ = false;
  std::optional<ProgramStatus> status_;
};

}  // namespace crypelab::kernel
