#include "harness/lab/client_process.h"

#include "../unit/evidence/temporary_folder.h"
#include "harness/blueprint/blueprint.h"
#include "lab_run.h"
#include "running.h"
#include "told.h"
#include "words.h"

#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::test::client_process_test {
namespace {

using namespace std::chrono_literals;

// How a client ended that runs this script and may be there for so long; and how long it was, in seconds.
Told ended(const std::string& script, std::chrono::milliseconds deadline) {
  const auto plan = plan_of(kTwoSites);
  const evidence::TemporaryFolder folder;
  return told_by([&](kernel::Supervised& supervised, int output) {
    lab::Lab lab(plan, supervised);
    lab::ClientPlan client{.client = "alice", .driver = {}, .job = "{}\n", .deadline = deadline, .environment = {}};
    client.driver.name = "waits";
    client.driver.command = {"/bin/sh", "-c", script};
    evidence::LogFile out(folder.path() / "out", lab.redaction());
    evidence::LogFile err(folder.path() / "err", lab.redaction());
    std::string last;
    const auto begin = lab::Loop::Clock::now();
    lab::ClientProcess process(lab, client, out, err, [&](const model::Event& event) {
      if (event.kind != "client-ended") return;
      last = text_field(event, "ended-by-lab");
      if (const auto* number = find_field(event, "signal"))
        last += " " + std::to_string(std::get<std::int64_t>(*number));
      if (find_field(event, "timed-out") != nullptr) last += " timed out";
    });
    lab.loop().run_until([&] { return process.ended(); }, begin + 20s);
    write_all(output, last);
    return static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(lab::Loop::Clock::now() - begin).count());
  });
}

TEST(ClientProcess, is_asked_to_end_after_its_deadline) {
  const auto told = ended("exec sleep 1000", 300ms);
  EXPECT_EQ(told.text, "deadline " + std::to_string(SIGTERM) + " timed out");
}

TEST(ClientProcess, is_killed_with_all_that_it_started_when_it_does_not_end_then) {
  const std::string mark = "60210" + std::to_string(getpid());
  const auto told = ended("trap '' TERM; sleep " + mark + " & sleep " + mark, 300ms);
  EXPECT_EQ(told.text, "deadline " + std::to_string(SIGKILL) + " timed out");
  EXPECT_GE(told.status, 1);  // the second between the two
  EXPECT_LT(told.status, 15);
  EXPECT_FALSE(runs_somewhere(mark));
}

TEST(ClientProcess, is_left_alone_before_its_deadline) { EXPECT_EQ(ended("exit 0", 20s).text, ""); }

}  // namespace
}  // namespace crypelab::test::client_process_test
