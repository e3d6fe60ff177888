#include "harness/evidence/attempt_folder.h"

#include "harness/base/error.h"
#include "harness/evidence/attempt_reader.h"
#include "temporary_folder.h"

#include <functional>

#include <gtest/gtest.h>

namespace crypelab::evidence::attempt_folder_test {
namespace {

Exit refusal(const std::function<void()>& what) {
  try {
    what();
  } catch (const Failure& failure) {
    return failure.exit();
  }
  return Exit::ok;
}

TEST(RunFolders, one_that_holds_something_is_refused) {
  const TemporaryFolder folder;
  put(folder.path() / "runs/a/evidence.json", "");
  EXPECT_EQ(refusal([&] { RunFolder(folder.path() / "runs"); }), Exit::exists);
  EXPECT_EQ(refusal([&] { RunFolder(folder.path() / "other/deep"); }), Exit::ok);
}

TEST(RunFolders, two_runs_at_once_are_refused) {
  const TemporaryFolder folder;
  const RunFolder first(folder.path() / "runs");
  EXPECT_EQ(refusal([&] { RunFolder(folder.path() / "runs"); }), Exit::exists);
}

TEST(RunFolders, where_nothing_can_be_written_the_reason_is_said) {
  const TemporaryFolder folder;
  put(folder.path() / "file", "");
  EXPECT_EQ(refusal([&] { RunFolder(folder.path() / "file/runs"); }), Exit::io);
}

TEST(AttemptFolders, are_never_used_twice_and_files_never_replaced) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path() / "runs");
  const auto attempt = run.attempt("s33-basic/wrong", 2);
  EXPECT_EQ(attempt, folder.path() / "runs/s33-basic/wrong/attempt-2");
  make_attempt_folder(attempt);
  EXPECT_EQ(refusal([&] { make_attempt_folder(attempt); }), Exit::exists);
  put_file(attempt, "clients/alice.stdout.log", "hello\n");
  EXPECT_EQ(contents(attempt / "clients/alice.stdout.log"), "hello\n");
  EXPECT_EQ(refusal([&] { put_file(attempt, "clients/alice.stdout.log", "other\n"); }), Exit::io);
  EXPECT_EQ(contents(attempt / "clients/alice.stdout.log"), "hello\n");
}

TEST(AttemptFolders, evidence_that_is_there_is_whole) {
  const TemporaryFolder folder;
  Attempt attempt;
  attempt.scenario = "s01-open";
  put_evidence(folder.path(), attempt, Redaction(std::vector<Secret>{}));
  EXPECT_EQ(read_attempt(folder.path()).scenario, "s01-open");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "evidence.json.part"));
}

}  // namespace
}  // namespace crypelab::evidence::attempt_folder_test
