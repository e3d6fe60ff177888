#include "harness/cli/arguments.h"

#include "harness/base/error.h"

#include <gtest/gtest.h>

namespace crypelab::cli::arguments_test {
namespace {

Arguments parse(std::vector<const char*> words) {
  words.insert(words.begin(), "crypelab");
  return cli::parse(static_cast<int>(words.size()), words.data());
}

Exit refused(const std::vector<const char*>& words) {
  try {
    parse(words);
  } catch (const Failure& failure) {
    return failure.exit();
  }
  return Exit::ok;
}

TEST(Arguments, a_command_after_two_dashes_keeps_its_own_options) {
  const auto exec =
      std::get<Exec>(parse({"exec", "udp/blocked", "--host", "alice", "--", "curl", "-v", "--host", "x"}));
  EXPECT_EQ(exec.scenario, "udp/blocked");
  EXPECT_EQ(exec.host, "alice");
  EXPECT_EQ(exec.command, (std::vector<std::string>{"curl", "-v", "--host", "x"}));
  EXPECT_FALSE(exec.privileged);
}

TEST(Arguments, an_option_may_stand_before_or_behind_the_scenario) {
  EXPECT_EQ(std::get<Exec>(parse({"exec", "--host", "alice", "s", "--", "true"})).host, "alice");
  EXPECT_TRUE(std::get<Shell>(parse({"shell", "s", "--privileged"})).privileged);
  EXPECT_EQ(std::get<Show>(parse({"show", "s", "--as", "svg"})).form, Form::svg);
}

TEST(Arguments, bad_usage_is_refused_as_such) {
  EXPECT_EQ(refused({}), Exit::usage);
  EXPECT_EQ(refused({"fly"}), Exit::usage);
  EXPECT_EQ(refused({"exec"}), Exit::usage);
  EXPECT_EQ(refused({"exec", "s"}), Exit::usage);
  EXPECT_EQ(refused({"show", "s", "--as", "poem"}), Exit::usage);
  EXPECT_EQ(refused({"check"}), Exit::usage);
  EXPECT_EQ(refused({"exec", "s", "--"}), Exit::usage);
  EXPECT_EQ(refused({"list", "--", "x"}), Exit::usage);
  EXPECT_EQ(refused({"completion", "fish"}), Exit::usage);
}

TEST(Arguments, help_is_an_answer_for_the_program_and_for_each_command) {
  EXPECT_NE(std::get<Print>(parse({"--help"})).text.find("doctor"), std::string::npos);
  EXPECT_NE(std::get<Print>(parse({"exec", "--help"})).text.find("--privileged"), std::string::npos);
  EXPECT_EQ(std::get<Print>(parse({"--version"})).text.substr(0, 9), "crypelab ");
}

}  // namespace
}  // namespace crypelab::cli::arguments_test
