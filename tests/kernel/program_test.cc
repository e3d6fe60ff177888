#include "harness/kernel/program.h"

#include "harness/kernel/host_view.h"
#include "site.h"

#include <fcntl.h>
#include <linux/capability.h>

namespace crypelab::kernel::testing::program_test {
namespace {

using Kind = ProgramStatus::Kind;
using namespace std::chrono_literals;

class ProgramTest : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, ProgramTest, ::testing::ValuesIn(callers()), name_of);

TEST_P(ProgramTest, exit_status_and_signal_are_told_apart) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    ProgramStatus status = site.run("exit 9");
    EXPECT_EQ(status.kind, Kind::exited);
    EXPECT_EQ(status.value, 9);
    status = site.run("kill -9 $$");
    EXPECT_EQ(status.kind, Kind::signalled);
    EXPECT_EQ(status.value, SIGKILL);
    EXPECT_EQ(status.exit_status(), 128 + SIGKILL);
    status = site.run("exit 137");
    EXPECT_EQ(status.kind, Kind::exited);
  });
}

TEST_P(ProgramTest, what_cannot_be_run_says_why) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    ProgramPlan plan = site.plan({"/usr/bin/no-such-program"});
    ProgramStatus status = Program(plan).wait();
    EXPECT_EQ(status.kind, Kind::not_started);
    EXPECT_EQ(status.value, ENOENT);
    EXPECT_EQ(status.exit_status(), 127);
    EXPECT_EQ(status.text(), "not started: running it: No such file or directory");
    status = Program(site.plan({"no-such-program"})).wait();
    EXPECT_EQ(status.exit_status(), 127);
    status = Program(site.plan({"/etc/hosts"})).wait();
    EXPECT_EQ(status.value, EACCES);
    EXPECT_EQ(status.exit_status(), 126);
    plan = site.plan({"true"});
    plan.directory = "/no/such/folder";
    status = Program(plan).wait();
    EXPECT_EQ(status.step, "entering its directory");
    plan = site.plan({"true"});
    plan.mounts = plan.network;
    EXPECT_EQ(Program(plan).wait().step, "entering the host's files");
  });
}

TEST_P(ProgramTest, a_program_that_forks_daemons_leaves_none) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const Pipe pipe;
    ProgramPlan plan = site.shell("(setsid sh -c 'trap \"\" TERM HUP; (sleep 1000; :) & sleep 1000; :' &) ; exit 3");
    plan.descriptors = {-1, pipe.writer()};
    Program program(plan);
    EXPECT_EQ(program.wait().value, 3);
    pipe.close_writer();
    EXPECT_TRUE(pipe.abandoned(0));
  });
}

TEST_P(ProgramTest, a_program_that_ignores_sigterm_ends) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const Pipe pipe;
    ProgramPlan plan = site.shell("trap '' TERM INT HUP; echo up; while :; do sleep 1000; done");
    plan.descriptors = {-1, pipe.writer()};
    Program program(plan);
    EXPECT_EQ(pipe.hear(), "up\n");
    const auto status = program.terminate(30ms);
    EXPECT_EQ(status.kind, Kind::signalled);
    EXPECT_EQ(status.value, SIGKILL);
    pipe.close_writer();
    EXPECT_TRUE(pipe.abandoned(0));
  });
}

TEST_P(ProgramTest, sigterm_lets_a_program_end_by_itself) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const Pipe pipe;
    ProgramPlan plan = site.shell("trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done");
    plan.descriptors = {-1, pipe.writer()};
    Program program(plan);
    EXPECT_EQ(pipe.hear(), "up\n");
    EXPECT_EQ(program.terminate(10s).value, 5);
  });
}

TEST_P(ProgramTest, a_program_that_is_let_go_is_gone) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const Pipe pipe;
    {
      ProgramPlan plan = site.shell("echo up; sleep 1000");
      plan.descriptors = {-1, pipe.writer()};
      const Program program(plan);
      EXPECT_EQ(pipe.hear(), "up\n");
    }
    pipe.close_writer();
    EXPECT_TRUE(pipe.abandoned(0));
  });
}

TEST_P(ProgramTest, the_environment_is_only_the_plan) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    ::setenv("CRYPELAB_SECRET", "of the machine", 1);
    Site site(lab);
    ProgramPlan plan = site.plan({"/usr/bin/env"});
    plan.environment = {{"A", "1"}, {"B", "two words"}};
    EXPECT_EQ(site.output(plan), "A=1\nB=two words\n");
    plan.environment = {};
    EXPECT_EQ(site.output(plan), "");
  });
}

TEST_P(ProgramTest, only_the_planned_descriptors_are_open) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const Descriptor leak(::open("/dev/null", O_RDONLY));  // without CLOEXEC
    EXPECT_EQ(site.output(site.shell("ls /proc/$$/fd")), "0\n1\n2\n");
    ProgramPlan plan = site.shell("ls /proc/$$/fd; echo four >&4");
    const Pipe pipe;
    plan.descriptors = {-1, -1, -1, -1, pipe.writer()};
    EXPECT_EQ(site.output(plan), "0\n1\n2\n3\n4\n");
    EXPECT_EQ(pipe.hear(), "four\n");
  });
}

TEST_P(ProgramTest, signals_are_as_after_a_login) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    EXPECT_EQ(site.output(site.plan({"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"})),
              "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    EXPECT_EQ(site.output(site.shell("umask")), "0022\n");
  });
}

TEST_P(ProgramTest, capabilities_are_empty) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    const std::string none = "0000000000000000";
    EXPECT_EQ(site.output(site.plan({"grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status"})),
              "CapInh:\t" + none + "\nCapPrm:\t" + none + "\nCapEff:\t" + none + "\nCapBnd:\t" + none + "\nCapAmb:\t" +
                  none + "\nNoNewPrivs:\t1\n");
    EXPECT_EQ(site.output(site.shell("id -u; id -g")),
              std::to_string(lab.identity(1).user) + "\n" + std::to_string(lab.identity(1).group) + "\n");
    EXPECT_NE(lab.identity(1).user, 0U);
  });
}

TEST_P(ProgramTest, a_kept_capability_works_and_is_the_only_one) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    ProgramPlan plan = site.plan({"ip", "link", "set", "lo", "mtu", "1400"});
    EXPECT_EQ(Program(plan).wait().value, 2) << "without it";
    plan.capabilities = {CAP_NET_ADMIN};
    EXPECT_EQ(Program(plan).wait().value, 0);
    plan = site.plan({"grep", "-E", "^Cap", "/proc/self/status"});
    plan.capabilities = {CAP_NET_ADMIN};
    const std::string one = "0000000000001000";
    EXPECT_EQ(site.output(plan), "CapInh:\t" + one + "\nCapPrm:\t" + one + "\nCapEff:\t" + one + "\nCapBnd:\t" + one +
                                     "\nCapAmb:\t" + one + "\n");
  });
}

TEST_P(ProgramTest, a_user_namespace_of_its_own_gives_no_power_over_the_lab) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    EXPECT_EQ(site.output(site.shell("unshare -Ur id -u")), "0\n");
    EXPECT_NE(site.run("unshare -Ur ip link set lo mtu 1401").value, 0);
    EXPECT_NE(site.run("unshare -Urm mount -o remount,rw /").value, 0);
    EXPECT_NE(site.run("unshare -Urm umount /proc").value, 0);
    EXPECT_NE(site.run("unshare -Urm mount -o remount,bind,rw /usr").value, 0);
    EXPECT_NE(site.run("unshare -Ur nsenter -t 1 -n true").value, 0);
    EXPECT_NE(site.run("cat /proc/1/environ").value, 0);
    EXPECT_NE(site.run("readlink /proc/1/ns/net").value, 0);
  });
}

TEST_P(ProgramTest, no_signal_of_a_program_reaches_its_first_process) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    EXPECT_EQ(site.run("kill -9 1; kill -STOP 1; kill -TERM 1; exit 4").value, 4);
  });
}

TEST_P(ProgramTest, a_fork_bomb_is_bounded) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    ProgramPlan plan = site.shell(
        "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null; ls -d /proc/[0-9]* | wc -l");
    plan.limits.processes = 30;
    const std::string count = site.output(plan);
    EXPECT_LT(std::stoi("0" + count), 35) << count;
  });
}

TEST_P(ProgramTest, memory_and_files_are_bounded) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    ProgramPlan plan = site.plan({"dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"});
    plan.limits.data_bytes = 32U << 20U;
    EXPECT_NE(Program(plan).wait().value, 0);
    plan.limits.data_bytes = 256U << 20U;
    EXPECT_EQ(Program(plan).wait().value, 0);
    plan = site.plan({"dd", "if=/dev/zero", "of=/tmp/large", "bs=1M", "count=4"});
    plan.limits.file_bytes = 1U << 20U;
    const ProgramStatus status = Program(plan).wait();
    EXPECT_EQ(status.kind, Kind::signalled);
    EXPECT_EQ(status.value, SIGXFSZ);
    EXPECT_EQ(site.output(site.shell("ulimit -c; cat /proc/self/oom_score_adj")), "0\n500\n");
  });
}

TEST_P(ProgramTest, the_descriptor_tells_of_the_end) {
  in_a_lab(GetParam(), [](Supervised& lab) {
    Site site(lab);
    Program program(site.plan({"true"}));
    pollfd polled{program.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&polled, 1, 10'000), 1);
    EXPECT_EQ(program.wait().text(), "exit status 0");
    EXPECT_TRUE(program.poll()) << "and goes on knowing it";
  });
}

TEST_P(ProgramTest, one_tool_of_the_lab_runs_on_the_machines_files) {
  in_a_lab(GetParam(), [](Supervised&) {
    ProgramPlan plan;
    plan.arguments = {"ip", "link", "set", "lo", "up"};
    plan.capabilities = {CAP_NET_ADMIN};
    EXPECT_EQ(Program(plan).wait().text(), "exit status 0");
  });
}

}  // namespace
}  // namespace crypelab::kernel::testing::program_test
