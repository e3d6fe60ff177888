#include "words.h"

#include <gtest/gtest.h>

namespace crypelab::test::exec_test {
namespace {

TEST(Exec, the_status_of_the_command_is_the_status_of_crypelab) {
  const ScenarioFile scenario(kTwoSites);
  EXPECT_EQ(crypelab({"exec", scenario.path(), "--", "sh", "-c", "exit 42"}).status, 42);
  EXPECT_EQ(crypelab({"exec", scenario.path(), "--", "sh", "-c", "kill -KILL $$"}).status, 128 + 9);
  const auto absent = crypelab({"exec", scenario.path(), "--", "no-such-program"});
  EXPECT_EQ(absent.status, 127);
  EXPECT_NE(absent.err.find("no-such-program"), std::string::npos) << absent.err;
}

TEST(Exec, names_of_the_world_resolve_through_the_sites_own_resolver) {
  const ScenarioFile scenario(kTwoSites);
  const auto found =
      crypelab({"exec", scenario.path(), "--host", "bob", "--", "getent", "ahostsv4", "turn.crype.test"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_NE(found.out.find("203.0.113.20"), std::string::npos) << found.out;
  EXPECT_EQ(crypelab({"exec", scenario.path(), "--", "getent", "hosts", "example.org"}).status, 2);
}

TEST(Exec, a_host_that_is_not_there_is_bad_usage_and_names_those_that_are) {
  const ScenarioFile scenario(kTwoSites);
  const auto answer = crypelab({"exec", scenario.path(), "--host", "carol", "--", "true"});
  EXPECT_EQ(answer.status, 64);
  EXPECT_NE(answer.err.find("alice"), std::string::npos) << answer.err;
}

TEST(Exec, output_and_errors_of_the_command_keep_apart) {
  const ScenarioFile scenario(kTwoSites);
  const auto both = crypelab({"exec", scenario.path(), "--", "sh", "-c", "echo out; echo err >&2"});
  EXPECT_EQ(both.out, "out\n");
  EXPECT_EQ(both.err, "err\n");
}

TEST(Exec, two_labs_of_the_same_scenario_live_side_by_side) {
  const ScenarioFile scenario(kTwoSites);
  const auto nested =
      run("/bin/sh", {"-c", "'" CRYPELAB_BIN "/crypelab' exec '" + scenario.path() +
                                "' -- getent hosts turn.crype.test & first=$!; '" CRYPELAB_BIN "/crypelab' exec '" +
                                scenario.path() + "' -- getent hosts turn.crype.test && wait $first"});
  EXPECT_EQ(nested.status, 0) << nested.err;
}

TEST(Exec, a_file_with_a_mistake_brings_nothing_up_and_says_where_it_is) {
  const ScenarioFile scenario(std::string(kTwoSites) + "surprise: 1\n");
  const auto answer = crypelab({"exec", scenario.path(), "--", "true"});
  EXPECT_EQ(answer.status, 65);
  EXPECT_NE(answer.err.find(scenario.path() + ":11:1"), std::string::npos) << answer.err;
}

}  // namespace
}  // namespace crypelab::test::exec_test
