#include "harness/cli/arguments.h"

#include <gtest/gtest.h>

namespace crypelab::cli::judge_arguments_test {
namespace {

TEST(JudgeArguments, evidence_is_judged_by_its_folder) {
  const char* const words[]{"crypelab", "judge", "out", "--strict", "--require", "turn-tls,turn-tcp", "--json"};
  const auto judge = std::get<Judge>(parse(7, words));
  EXPECT_EQ(judge.folder, "out");
  EXPECT_TRUE(judge.strict);
  EXPECT_TRUE(judge.json);
  EXPECT_EQ(judge.require, (std::vector<std::string>{"turn-tls", "turn-tcp"}));
}

TEST(JudgeArguments, a_story_is_told_of_a_folder) {
  const char* const words[]{"crypelab", "explain", "out/udp/s11-dropped"};
  EXPECT_EQ(std::get<Explain>(parse(3, words)).folder, "out/udp/s11-dropped");
}

}  // namespace
}  // namespace crypelab::cli::judge_arguments_test
