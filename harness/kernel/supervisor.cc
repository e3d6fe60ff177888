#include "harness/kernel/supervisor.h"

#include "harness/base/error.h"
#include "harness/kernel/child_process.h"
#include "harness/kernel/lab_init.h"
#include "harness/kernel/signal_queue.h"
#include "harness/kernel/user_namespace_policy.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::kernel {

Supervised::Supervised(bool rootless, pid_t command, PacketSocket requests)
    : rootless_(rootless), command_(command), requests_(std::move(requests)) {}

Identity Supervised::identity(unsigned host) const {
  if (rootless_) return {::geteuid(), ::getegid()};
  constexpr unsigned first = 1'000'000'000, hosts = 1024, labs = 1U << 20U;
  const unsigned id = first + static_cast<unsigned>(command_) % labs * hosts + host % hosts;
  return {id, id};
}

int Supervised::end_signal() const {
  char number = 0;
  const ssize_t size = ::recv(requests_.descriptor(), &number, 1, MSG_PEEK | MSG_DONTWAIT);
  if (size == 1) return number;
  return size == 0 ? SIGKILL : 0;  // the command itself is gone, and this process soon will be
}

namespace {

using Clock = std::chrono::steady_clock;

void require_single_thread() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  if (std::distance(begin(tasks), end(tasks)) != 1)
    throw Failure(Exit::software, "a lab must be started before the command has threads");
}

[[noreturn]] void explain_refusal(const std::string& what, int error, bool rootless) {
  std::string text = what + ": " + std::strerror(error);
  if (rootless) {
    const auto reason = why_forbidden(read_user_namespace_policy());
    text += reason ? "\n" + *reason + "\nor run as root" : "\nrun as root, or where user namespaces are allowed";
  } else {
    text += "\nrun as root outside of any container, or in one that may make namespaces (CAP_SYS_ADMIN)";
  }
  throw Failure(Exit::privilege, text);
}

bool is_refusal(int error) { return error == EPERM || error == EACCES || error == ENOSPC || error == EUSERS; }

// False for root of a container that maps some uids only: the hosts' own uids (Supervised::identity) are not among
// them.
bool every_user_exists() {
  std::ifstream map("/proc/self/uid_map");
  unsigned long inside = 0, outside = 0, count = 0;
  return map >> inside >> outside >> count && inside == 0 && count >= 4'294'967'295;
}

// What is left of the lab as seen from the command: waits for its end and passes signals on.
class Watch {
 public:
  Watch(ChildProcess init, PacketSocket reports, PacketSocket requests, bool rootless)
      : init_(std::move(init)), reports_(std::move(reports)), requests_(std::move(requests)), rootless_(rootless) {}

  int until_the_end(const SignalQueue& signals, const Supervision& supervision) {
    while (!step(signals, supervision)) {
    }
    if (supervision.foreground != nullptr) supervision.foreground->ready();
    init_.reap();
    // The reports of a process that has ended are all there.
    bool ended = false;
    while (auto packet = reports_.poll(ended)) take(*packet);
    return result();
  }

 private:
  bool step(const SignalQueue& signals, const Supervision& supervision) {
    std::vector<pollfd> polled{{init_.descriptor(), POLLIN, 0}, {signals.descriptor(), POLLIN, 0}};
    if (supervision.foreground != nullptr) supervision.foreground->want(polled);
    int timeout = -1;
    if (asked_ != 0 && !killed_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count() + 1;
      timeout = static_cast<int>(std::clamp<long>(left, 0, 1'000'000));
    }
    if (::poll(polled.data(), polled.size(), timeout) < 0 && errno != EINTR) throw_errno("waiting for the lab");
    if (polled[0].revents != 0) return true;
    while (const int number = signals.next()) ask(number, supervision.grace);
    if (asked_ != 0 && !killed_ && Clock::now() >= deadline_) kill();
    if (supervision.foreground != nullptr) supervision.foreground->ready();
    return false;
  }

  void ask(int number, std::chrono::milliseconds grace) {
    if (asked_ != 0) return kill();
    asked_ = number;
    deadline_ = Clock::now() + grace;
    const char message = static_cast<char>(number);
    requests_.send({&message, 1});
  }

  void kill() {
    killed_ = true;
    init_.signal(SIGKILL);
  }

  void take(const Packet& packet) {
    LabReport report;
    if (packet.bytes.size() < sizeof report) return;
    std::memcpy(&report, packet.bytes.data(), sizeof report);
    // The first report of a failure explains; what follows from it does not.
    if (report_.kind == LabReport::Kind::none || report_.kind == LabReport::Kind::ended) {
      report_ = report;
      text_ = packet.bytes.substr(sizeof report);
    }
  }

  int result() const {
    switch (report_.kind) {
      case LabReport::Kind::refused:
        if (is_refusal(report_.value)) explain_refusal(text_, report_.value, rootless_);
        throw_system_error(text_, report_.value);
      case LabReport::Kind::failure:
        throw Failure(static_cast<Exit>(report_.value), text_);
      case LabReport::Kind::ended:
        if (WIFEXITED(report_.value)) return WEXITSTATUS(report_.value);
        if (killed_) break;
        throw Failure(Exit::software,
                      "the lab's supervisor was ended by signal " + std::to_string(WTERMSIG(report_.value)));
      case LabReport::Kind::none:
        if (killed_) break;
        throw Failure(Exit::software, "the lab's first process was killed");
    }
    return 128 + asked_;
  }

  ChildProcess init_;
  PacketSocket reports_;
  PacketSocket requests_;
  bool rootless_;
  int asked_ = 0;
  bool killed_ = false;
  Clock::time_point deadline_{};
  LabReport report_;
  std::string text_;
};

}  // namespace

int supervise(const std::function<int(Supervised&)>& body, const Supervision& supervision) {
  require_single_thread();
  const SignalQueue signals{SIGINT, SIGTERM, SIGHUP};
  auto [reports, reporter] = PacketSocket::pair();
  auto [requests, requested] = PacketSocket::pair();
  std::fflush(nullptr);  // or the copy would write it again

  LabInit plan{body,     ::getpid(), ::geteuid(), ::getegid(), false, signals.mask_before(),
               &reports, &reporter,  &requests,   &requested};
  constexpr std::uint64_t namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  ChildProcess init;
  if (plan.user == 0 && every_user_exists()) init = clone_process(namespaces, run_lab_init, &plan);
  if (!init && (plan.user != 0 || !every_user_exists() || errno == EPERM)) {
    plan.rootless = true;
    init = clone_process(namespaces | CLONE_NEWUSER, run_lab_init, &plan);
  }
  if (!init) explain_refusal("making the lab's namespaces", errno, plan.rootless);
  reporter.close();
  requested.close();
  return Watch(std::move(init), std::move(reports), std::move(requests), plan.rootless)
      .until_the_end(signals, supervision);
}

}  // namespace crypelab::kernel
