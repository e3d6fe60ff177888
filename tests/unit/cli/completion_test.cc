#include "harness/cli/completion.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::cli::completion_test {
namespace {

// What bash itself offers when `line` has been typed, one word a line.
std::string complete_in_bash(const std::string& line) {
  const std::string script = testing::TempDir() + "/crypelab-completion." + std::to_string(getpid());
  std::ofstream(script) << completion_script("bash", option_help())
                        << "crypelab() { echo 'udp/blocked  quick  title'; }\nread -ra COMP_WORDS <<<\"$1\"\n"
                        << "case $1 in *' ') COMP_WORDS+=('') ;; esac\n"
                        << "COMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_crypelab\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const std::string command = "bash '" + script + "' '" + line + "' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  std::array<char, 4096> chunk{};
  for (std::size_t n = 0; (n = fread(chunk.data(), 1, chunk.size(), pipe.get())) > 0;) output.append(chunk.data(), n);
  std::remove(script.c_str());
  return "\n" + output;
}

TEST(Completion, bash_offers_commands_options_words_and_scenarios) {
  EXPECT_NE(complete_in_bash("crypelab ").find("\nmeasure\n"), std::string::npos);
  EXPECT_EQ(complete_in_bash("crypelab me"), "\nmeasure\n");
  EXPECT_EQ(complete_in_bash("crypelab exec udp/blocked --ho"), "\n--host\n");
  EXPECT_EQ(complete_in_bash("crypelab show udp/blocked --as gr"), "\ngraphviz\n");
  EXPECT_EQ(complete_in_bash("crypelab show udp/bl"), "\nudp/blocked\n");
}

TEST(Completion, behind_two_dashes_bash_offers_programs) {
  EXPECT_NE(complete_in_bash("crypelab exec udp/blocked -- print").find("\nprintf\n"), std::string::npos);
}

TEST(Completion, every_option_of_the_grammar_is_in_both_scripts) {
  for (const auto* shell : {"bash", "zsh"}) {
    const std::string script = completion_script(shell, option_help());
    for (const auto& line : option_help()) {
      EXPECT_NE(script.find(line.command), std::string::npos) << shell << " " << line.command;
      if (!line.command.empty()) {
        EXPECT_NE(script.find(line.option), std::string::npos) << shell << " " << line.option;
      }
    }
  }
}

}  // namespace
}  // namespace crypelab::cli::completion_test
