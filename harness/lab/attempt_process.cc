#include "harness/lab/attempt_process.h"

#include "harness/base/error.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/lab/lab.h"

#include <csignal>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

using namespace std::chrono_literals;

// A terminal's Ctrl-C reaches the command alone, which passes it on once.
int run_attempt(void* argument) {
  const auto& plan = *static_cast<const TrialPlan*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::string why;
  try {
    std::optional<Door> door;
    if (plan.pause) door.emplace(plan.scenario.name);
    kernel::supervise([&](kernel::Supervised& supervised) {
      run_trial(plan, supervised, door ? &*door : nullptr);
      return 0;
    });
    return 0;
  } catch (const std::exception& failure) {
    why = failure.what();
  }
  try {
    if (!std::filesystem::exists(plan.folder / evidence::kEvidenceFile)) write_casualty(plan, why);
    return 0;
  } catch (const std::exception&) {
    return static_cast<int>(Exit::io);  // finish() tries again, and says why
  }
}

}  // namespace

AttemptProcess::AttemptProcess(const TrialPlan& plan) : plan_(&plan) {
  auto* argument = const_cast<TrialPlan*>(&plan);
  process_ = kernel::clone_process(0, run_attempt, argument);
  if (!process_) throw_errno("starting an attempt");
}

void AttemptProcess::finish() {
  const int status = process_.reap();
  if (std::filesystem::exists(plan_->folder / evidence::kEvidenceFile)) return;
  const auto how = WIFSIGNALED(status) ? fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                       : fmt::format("exit status {}", WEXITSTATUS(status));
  write_casualty(*plan_, fmt::format("the attempt's own process ended before there was evidence: {}", how));
}

int probe_driver(const model::Driver& driver, const model::Scenario& scenario, const std::string& client) {
  // Who refuses a job that it does not know needs no network for that.
  auto plan = blueprint::draw(scenario);
  plan.processes.clear();
  plan.cables.clear();
  std::erase_if(plan.hosts, [&](const blueprint::Host& host) { return host.name != client; });
  for (auto& host : plan.hosts) {
    host.bridges.clear();
    host.interfaces.clear();
    host.routes.clear();
    host.policy_rules.clear();
    host.rule_set.clear();
    host.queues.clear();
    host.preparations.clear();
    host.tunnel_routes.clear();
  }
  int exit = -1;
  const auto pipe = make_pipe();
  kernel::supervise([&](kernel::Supervised& supervised) {
    Lab lab(plan, supervised,
            kernel::may_be_visible(driver.folder) ? std::vector{driver.folder} : std::vector<std::string>{});
    const std::string job = fmt::format(
        R"({{"contract": 1, "task": "unknown-{:016x}", "role": "caller", "peer": "nobody", "proof": "none", "seed": 1, )"
        R"("deadline": 10000, "signaling": {{"url": "wss://signal.crype.test/v1/rooms/none", )"
        R"("fallback": "https://signal.crype.test/v1/rooms/none", "token": "none"}}, )"
        R"("ice": {{"servers": [], "policy": "all", "non_proxied_udp": true}}, "app": "browser", )"
        R"("proxy": {{"mode": "system", "credentials": "prompt"}}, "trust": "/etc/ssl/certs/ca-certificates.crt", )"
        R"("work": [], "misbehave": []}})"
        "\n",
        std::hash<std::string>()(lab.credentials(client).proof));
    auto [job_reading, job_writing] = make_pipe();
    if (write(job_writing.get(), job.data(), job.size()) < 0) throw_errno("write to a pipe");
    job_writing.close();
    auto environment = driver.environment;
    for (const auto& [name, value] : driver.secrets) environment[name] = value;
    auto program = lab.start(
        client, {.arguments = driver.command, .environment = environment, .descriptors = {job_reading.get(), -1, -1}});
    auto status = program.wait_until(Loop::Clock::now() + 10s);
    if (!status) program.kill();
    const int found = status && status->kind == kernel::ProgramStatus::Kind::exited ? status->value : -1;
    if (write(pipe.writing.get(), &found, sizeof found) != sizeof found) throw_errno("write to a pipe");
    return 0;
  });
  if (read(pipe.reading.get(), &exit, sizeof exit) != sizeof exit) return -1;
  return exit;
}

}  // namespace crypelab::lab
