#pragma once

#include "harness/kernel/host_view.h"
#include "harness/kernel/program.h"
#include "variants.h"

#include <thread>

#include <fcntl.h>
#include <sched.h>

namespace crypelab::kernel::testing {

// A network namespace without anything in it.
inline Descriptor empty_network() {
  Descriptor network;
  std::thread maker([&] {
    if (::unshare(CLONE_NEWNET) < 0) throw_errno("unshare");
    network = checked(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "ns/net");
  });
  maker.join();
  return network;
}

// A host with a network of its own, and programs in it.
class Site {
 public:
  static HostViewPlan plan_for(Supervised& lab, int network, unsigned number = 1) {
    HostViewPlan plan;
    plan.name = "alice";
    plan.identity = lab.identity(number);
    plan.network = network;
    plan.hosts = "127.0.0.1 localhost\n10.20.0.2 alice.office.test\n";
    plan.resolv_conf = "nameserver 10.20.0.1\n";
    return plan;
  }

  explicit Site(Supervised& lab, unsigned number = 1)
      : network_(empty_network()), view_(plan_for(lab, network_.get(), number)), identity_(lab.identity(number)) {}
  Site(Supervised& lab, const std::function<void(HostViewPlan&)>& change)
      : network_(empty_network()), view_(changed(plan_for(lab, network_.get()), change)), identity_(lab.identity(1)) {}

  const HostView& view() const { return view_; }

  ProgramPlan plan(std::vector<std::string> arguments) const {
    ProgramPlan plan;
    plan.arguments = std::move(arguments);
    plan.environment = {{"PATH", "/usr/bin:/bin:/usr/sbin:/sbin"}, {"LC_ALL", "C"}};
    plan.network = network_.get();
    plan.mounts = view_.mounts();
    plan.host_name = "alice";
    plan.identity = identity_;
    plan.descriptors = {-1, -1, 2};
    return plan;
  }
  ProgramPlan shell(const std::string& script) const { return plan({"/bin/sh", "-c", script}); }
  ProgramStatus run(const std::string& script) const {
    ProgramPlan quiet = shell(script);
    quiet.descriptors = {};
    return finish(Program(quiet));
  }
  // What the program writes to its standard output.
  std::string output(ProgramPlan plan) const {
    const Pipe pipe;
    plan.descriptors.resize(std::max<std::size_t>(2, plan.descriptors.size()), -1);
    plan.descriptors[1] = pipe.writer();
    const ProgramStatus status = finish(Program(plan));
    EXPECT_NE(status.kind, ProgramStatus::Kind::not_started) << status.text();
    pipe.close_writer();
    return pipe.rest();
  }
  std::string output(const std::string& script) const { return output(shell(script)); }

 private:
  static HostViewPlan changed(HostViewPlan plan, const std::function<void(HostViewPlan&)>& change) {
    change(plan);
    return plan;
  }
  static ProgramStatus finish(Program program) {
    const auto status = program.wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(15));
    EXPECT_TRUE(status) << "the program did not end";
    return status ? *status : program.kill();
  }

  Descriptor network_;
  HostView view_;
  Identity identity_;
};

}  // namespace crypelab::kernel::testing
