#include "harness/kernel/lab_init.h"

#include "harness/base/error.h"
#include "harness/kernel/signal_queue.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

void report(const LabInit& plan, LabReport::Kind kind, int value, std::string_view text = {}) {
  const LabReport head{kind, value};
  std::string message(sizeof head, '\0');
  std::memcpy(message.data(), &head, sizeof head);
  message += text.substr(0, 60'000);
  plan.reporter->send(message);
}

struct Refusal {
  const char* what;
  int error;
};

void write_file(const char* path, const std::string& text) {
  const Descriptor file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Refusal{path, errno};
}

// The caller's own uid and gid, and no other, exist in the namespace: user_namespaces(7), "Defining user and group ID
// mappings".
void map_the_caller(const LabInit& plan) {
  const auto line = [](unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1\n"; };
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", line(plan.user));
  write_file("/proc/self/gid_map", line(plan.group));
}

void mount_own_world() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
    throw Refusal{"making the lab's mounts private", errno};
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) < 0)
    throw Refusal{"mounting /proc in the lab", errno};
}

[[noreturn]] void run_supervisor(const LabInit& plan) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();  // signals of the command's terminal go to the command alone
  ::sigprocmask(SIG_SETMASK, &plan.mask, nullptr);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;  // a descriptor per namespace and program
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  int status = 0;
  try {
    Supervised supervised(plan.rootless, plan.command, std::move(*plan.requested));
    status = plan.body(supervised);
  } catch (const Failure& failure) {
    report(plan, LabReport::Kind::failure, static_cast<int>(failure.exit()), failure.what());
  } catch (const std::exception& error) {
    report(plan, LabReport::Kind::failure, static_cast<int>(Exit::software), error.what());
  }
  std::fflush(nullptr);
  ::_exit(status);
}

// Reaps until the supervisor ends; nothing when the command ends before.
void reap(const LabInit& plan, pid_t supervisor, const SignalQueue& signals) {
  std::array<pollfd, 2> polled{pollfd{plan.reporter->descriptor(), POLLIN, 0}, pollfd{signals.descriptor(), POLLIN, 0}};
  for (;;) {
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) return;
    while (signals.next() != 0) {
    }
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended == supervisor) return report(plan, LabReport::Kind::ended, status);
    }
  }
}

}  // namespace

int run_lab_init(void* argument) {
  const LabInit& plan = *static_cast<LabInit*>(argument);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  plan.reports->close();
  plan.requests->close();
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(number, SIG_DFL);
  try {
    if (plan.rootless) map_the_caller(plan);
    mount_own_world();
    const SignalQueue signals{SIGCHLD};
    const pid_t supervisor = ::fork();
    if (supervisor < 0) throw Refusal{"starting the lab's supervisor", errno};
    if (supervisor == 0) run_supervisor(plan);
    plan.requested->close();
    ::setsid();
    reap(plan, supervisor, signals);
  } catch (const Refusal& refusal) {
    report(plan, LabReport::Kind::refused, refusal.error, refusal.what);
  } catch (const Failure& failure) {
    report(plan, LabReport::Kind::failure, static_cast<int>(failure.exit()), failure.what());
  }
  return 0;
}

}  // namespace crypelab::kernel
