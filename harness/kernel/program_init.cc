#include "harness/kernel/program_init.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

constexpr int most_descriptors = 64;

void tell(int control, ProgramNotice::Kind kind, int value, StartStep step = StartStep::run) {
  const ProgramNotice notice{kind, value, step};
  ::send(control, &notice, sizeof notice, MSG_NOSIGNAL);
}

// Does not return. It does not say so to the compiler, and makes the system call itself, because AddressSanitizer
// prepares calls that do not return by walking the thread's own stack, and a program is started on another one.
void give_up(const ProgramLaunch& launch, StartStep step, int error) {
  tell(launch.control, ProgramNotice::Kind::not_started, error, step);
  ::syscall(SYS_exit_group, 127);
}

void require(bool done, const ProgramLaunch& launch, StartStep step) {
  if (!done) give_up(launch, step, errno);
}

void default_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
}

bool protect_kernel_settings() {
  // Real root inside may change the network's settings, which are the host's own, and no other.
  constexpr unsigned long again = MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  for (const char* path :
       {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"}) {
    if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) < 0) {
      if (errno == ENOENT) continue;
      return false;
    }
    if (::mount(nullptr, path, nullptr, again | MS_RDONLY, nullptr) < 0) return false;
  }
  if (::mount("/proc/sys/net", "/proc/sys/net", nullptr, MS_BIND, nullptr) < 0) return errno == ENOENT;
  return ::mount(nullptr, "/proc/sys/net", nullptr, again, nullptr) == 0;
}

void enter_host(const ProgramLaunch& launch) {
  const ProgramPlan& plan = launch.plan;
  if (plan.network >= 0) require(::setns(plan.network, CLONE_NEWNET) == 0, launch, StartStep::network);
  require(::sethostname(plan.host_name.data(), plan.host_name.size()) == 0, launch, StartStep::host_name);
  if (plan.mounts < 0) return;
  require(::setns(plan.mounts, CLONE_NEWNS) == 0 && ::unshare(CLONE_NEWNS) == 0, launch, StartStep::mounts);
  require(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0, launch,
          StartStep::kernel_files);
  if (::geteuid() == 0 && plan.identity.value_or(Identity{}).user == 0)
    require(protect_kernel_settings(), launch, StartStep::kernel_files);
  // Of its own for each program: what a killed Squid leaves there keeps the next one from starting.
  require(::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  "size=256m,nr_inodes=10000,mode=1777") == 0,
          launch, StartStep::shared_memory);
}

// What was asked of the command outside is none of the program's business, and /proc/1/cmdline would say it.
void forget_command_line(const ProgramLaunch& launch) {
  constexpr std::string_view name = "init";
  for (std::size_t i = 0; i < launch.command_line_size; ++i) launch.command_line[i] = i < name.size() ? name[i] : '\0';
}

// The kernel's killer takes programs under test before it takes the lab.
void volunteer_for_oom() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(file, "500", 3);
  ::close(file);
}

void place_descriptors(const ProgramLaunch& launch) {
  const std::vector<int>& wanted = launch.plan.descriptors;
  const int count = wanted.size() < 3 ? 3 : static_cast<int>(wanted.size());
  std::array<int, most_descriptors> moved{};
  if (count > most_descriptors) give_up(launch, StartStep::files, EMFILE);
  // Out of the way first, so that none is overwritten before it was placed; the way to the lab too.
  for (int i = 0; i < count; ++i) {
    const int source = i < static_cast<int>(wanted.size()) ? wanted[static_cast<std::size_t>(i)] : -1;
    int from = source;
    if (source < 0) from = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    require(from >= 0, launch, StartStep::files);
    const int away = ::fcntl(from, F_DUPFD_CLOEXEC, most_descriptors);
    require(away >= 0, launch, StartStep::files);
    moved[static_cast<std::size_t>(i)] = away;
  }
  for (int i = 0; i < count; ++i) require(::dup2(moved[static_cast<std::size_t>(i)], i) >= 0, launch, StartStep::files);
  require(::close_range(static_cast<unsigned>(count), ~0U, CLOSE_RANGE_CLOEXEC) == 0, launch, StartStep::files);
}

// The C library's setters tell every thread that it thinks the process has, and there are none: system calls.
void take_identity(const ProgramLaunch& launch) {
  const Identity own{::geteuid(), ::getegid()};
  const auto [user, group] = launch.plan.identity.value_or(own);
  if (user != ::geteuid() || group != ::getegid()) {
    const bool done = ::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, group, group, group) == 0 &&
                      ::syscall(SYS_setresuid, user, user, user) == 0;
    require(done, launch, StartStep::identity);
  } else {
    ::syscall(SYS_setgroups, 0, nullptr);  // refused rootless: setgroups(2) is denied before a gid may be mapped
  }
}

void drop_powers(const ProgramLaunch& launch) {
  for (unsigned number = 0; ::prctl(PR_CAPBSET_READ, number) >= 0; ++number) {
    if ((launch.kept >> number & 1U) == 0) require(::prctl(PR_CAPBSET_DROP, number) == 0, launch, StartStep::powers);
  }
  require(::prctl(PR_SET_KEEPCAPS, launch.kept != 0 ? 1 : 0) == 0, launch, StartStep::powers);
  take_identity(launch);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(launch.kept >> (32 * half));
    sets[half] = {bits, bits, bits};
  }
  require(::syscall(SYS_capset, &header, sets.data()) == 0, launch, StartStep::powers);
  require(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0, launch, StartStep::powers);
  for (unsigned number = 0; number < 64; ++number) {
    if ((launch.kept >> number & 1U) == 0) continue;
    require(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0, launch, StartStep::powers);
  }
  require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, launch, StartStep::powers);
}

void join_session(const ProgramLaunch& launch) {
  if (launch.plan.terminal < 0) {
    ::setsid();
    return;
  }
  // A group of its own in the session of the first process, which is in another group: so a stop by Ctrl-Z is not
  // ignored as that of an orphaned group would be. SIGTTOU is blocked like all signals.
  require(::setpgid(0, 0) == 0 && ::tcsetpgrp(launch.plan.terminal, ::getpid()) == 0, launch, StartStep::terminal);
}

// Runs on the memory of the first process until exec, which waits (CLONE_VFORK).
int run_program(void* argument) {
  const ProgramLaunch& launch = *static_cast<ProgramLaunch*>(argument);
  join_session(launch);
  place_descriptors(launch);
  ::umask(022);
  for (const ProgramLaunch::Limit& limit : launch.limits)
    require(::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &limit.value) == 0, launch,
            StartStep::limits);
  drop_powers(launch);
  require(::chdir(launch.plan.directory.c_str()) == 0, launch, StartStep::directory);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  int error = ENOENT;
  for (const std::string& path : launch.candidates) {
    ::execve(path.c_str(), launch.arguments.data(), launch.environment.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
  }
  give_up(launch, StartStep::run, error);
  return 127;
}

// Ends with the program, or when the lab has let go of it.
void reap(int control, int signals, pid_t program, int terminal) {
  bool told = false;
  std::array<pollfd, 2> polled{pollfd{control, POLLIN, 0}, pollfd{signals, POLLIN, 0}};
  for (;;) {
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[0].revents != 0) {
      char number = 0;
      if (::recv(control, &number, 1, MSG_DONTWAIT) == 0) return;
      if (number == SIGCONT) {
        told = false;
        if (terminal >= 0) ::tcsetpgrp(terminal, program);
      }
      if (number > 0) ::kill(-program, number);
    }
    signalfd_siginfo info{};
    while (::read(signals, &info, sizeof info) > 0) {
    }
    int status = 0;
    pid_t changed = 0;
    while ((changed = ::waitpid(-1, &status, WNOHANG | (terminal >= 0 ? WUNTRACED : 0))) > 0) {
      if (changed != program) continue;
      if (!WIFSTOPPED(status)) return tell(control, ProgramNotice::Kind::ended, status);
      // Once until it is resumed: a program that stops and continues by itself must not fill the way to the lab.
      if (!told) tell(control, ProgramNotice::Kind::stopped, WSTOPSIG(status));
      told = true;
    }
  }
}

// proc_pid_stat(5): the fields 48 and 49, arg_start and arg_end. The second field is in brackets and may hold anything.
std::pair<char*, std::size_t> own_command_line() {
  std::string text;
  std::getline(std::ifstream("/proc/self/stat"), text);
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int field = 3; field < 48; ++field) fields >> skipped;
  std::uintptr_t begin = 0, end = 0;
  if (!(fields >> begin >> end) || begin == 0 || end <= begin) return {};
  return {reinterpret_cast<char*>(begin), end - begin};
}

}  // namespace

const char* describe(StartStep step) {
  switch (step) {
    case StartStep::network:
      return "entering the network";
    case StartStep::mounts:
      return "entering the host's files";
    case StartStep::kernel_files:
      return "mounting /proc";
    case StartStep::shared_memory:
      return "mounting /dev/shm";
    case StartStep::host_name:
      return "setting the host name";
    case StartStep::terminal:
      return "taking the terminal";
    case StartStep::process:
      return "making a process";
    case StartStep::files:
      return "placing descriptors";
    case StartStep::limits:
      return "setting limits";
    case StartStep::powers:
      return "dropping capabilities";
    case StartStep::identity:
      return "becoming the host's user";
    case StartStep::directory:
      return "entering its directory";
    case StartStep::run:
      break;
  }
  return "running it";
}

ProgramLaunch::ProgramLaunch(const ProgramPlan& given, int given_control) : plan(given), control(given_control) {
  const std::string name = plan.arguments.empty() ? std::string() : plan.arguments.front();
  if (name.find('/') != std::string::npos) {
    candidates.push_back(name);
  } else if (!name.empty()) {
    const auto set = plan.environment.find("PATH");
    const std::string path =
        set == plan.environment.end() ? "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" : set->second;
    for (std::size_t begin = 0; begin <= path.size();) {
      const std::size_t end = std::min(path.find(':', begin), path.size());
      if (end > begin) candidates.push_back(path.substr(begin, end - begin) + "/" + name);
      begin = end + 1;
    }
  }
  for (const auto& [key, value] : plan.environment) assignments.push_back(key + "=" + value);
  // execve(2) takes char* for reasons of history and does not write.
  for (const std::string& argument : plan.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& assignment : assignments) environment.push_back(const_cast<char*>(assignment.c_str()));
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  static const auto own = own_command_line();  // it does not move, and copies of this process have it there, too
  std::tie(command_line, command_line_size) = own;
  for (const int number : plan.capabilities) kept |= 1ULL << static_cast<unsigned>(number);

  const auto limit = [&](int resource, std::uint64_t value) {
    rlimit had{};
    ::getrlimit(static_cast<__rlimit_resource_t>(resource), &had);
    const rlim_t most = std::min<rlim_t>(value, had.rlim_max);
    limits.push_back({resource, {most, most}});
  };
  limit(RLIMIT_CORE, 0);
  if (plan.limits.processes != 0) limit(RLIMIT_NPROC, plan.limits.processes);
  if (plan.limits.data_bytes != 0) limit(RLIMIT_DATA, plan.limits.data_bytes);
  if (plan.limits.open_files != 0) limit(RLIMIT_NOFILE, plan.limits.open_files);
  if (plan.limits.file_bytes != 0) limit(RLIMIT_FSIZE, plan.limits.file_bytes);
}

int run_program_init(void* argument) {
  ProgramLaunch& launch = *static_cast<ProgramLaunch*>(argument);
  const int terminal = launch.plan.terminal;
  // Above what the program's own descriptors are placed at.
  launch.control = ::fcntl(launch.control, F_DUPFD_CLOEXEC, most_descriptors);
  if (launch.control < 0) return 0;
  default_signals();
  if (launch.command_line != nullptr) forget_command_line(launch);
  enter_host(launch);
  volunteer_for_oom();
  ::setsid();
  if (terminal >= 0) require(::ioctl(terminal, TIOCSCTTY, 0) == 0, launch, StartStep::terminal);

  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int signals = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  require(signals >= 0, launch, StartStep::process);
  // Memory is shared until exec, so nothing is copied; the stack is this process's copy, which it does not use
  // meanwhile.
  alignas(16) static std::array<char, 65536> stack;
  const pid_t program = ::clone(run_program, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
  require(program > 0, launch, StartStep::process);
  ::prctl(PR_SET_DUMPABLE, 0);

  // It keeps what it needs, as 0, 1 and 2, and nothing of the lab's.
  const int way = ::fcntl(launch.control, F_DUPFD_CLOEXEC, 3), children = ::fcntl(signals, F_DUPFD_CLOEXEC, 3);
  const int session = terminal < 0 ? -1 : ::fcntl(terminal, F_DUPFD_CLOEXEC, 3);
  if (::dup2(way, 0) < 0 || ::dup2(children, 1) < 0) return 0;
  if (session >= 0) ::dup2(session, 2);
  ::close_range(session < 0 ? 2 : 3, ~0U, 0);
  reap(0, 1, program, session < 0 ? -1 : 2);
  return 0;
}

}  // namespace crypelab::kernel
