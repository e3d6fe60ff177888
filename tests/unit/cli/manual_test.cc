#include "harness/cli/arguments.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include <gtest/gtest.h>

namespace crypelab::cli::manual_test {
namespace {

const std::string kManual = CRYPELAB_SOURCE "/harness/cli/crypelab.1";

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::string output;
  std::array<char, 4096> chunk{};
  for (std::size_t n = 0; (n = fread(chunk.data(), 1, chunk.size(), pipe.get())) > 0;) output.append(chunk.data(), n);
  return output;
}

// The part of the manual about one command, without the escapes of its dashes.
std::string entry_of(const std::string& manual, const std::string& command) {
  const auto begin = manual.find(".BR " + command + " ");
  if (begin == std::string::npos) return "";
  auto end = manual.find("\n.TP", begin);
  if (manual.find("\n.RS", begin) < end) end = manual.find("\n.RE", begin);  // a list of its own
  auto text = manual.substr(begin, end - begin);
  for (auto at = text.find("\\-"); at != std::string::npos; at = text.find("\\-", at)) text.replace(at, 2, "-");
  return text;
}

TEST(Manual, every_command_has_its_entry_and_every_option_stands_in_it) {
  std::ostringstream manual;
  manual << std::ifstream(kManual).rdbuf();
  int options = 0;
  for (const auto& line : option_help()) {
    if (line.command.empty()) continue;
    const auto entry = entry_of(manual.str(), line.command);
    EXPECT_NE(entry, "") << line.command;
    if (line.option.empty() || line.option == "--help") continue;
    ++options;
    EXPECT_NE(entry.find(line.option), std::string::npos) << line.command << " " << line.option;
  }
  EXPECT_GT(options, 6);
}

TEST(Manual, groff_has_no_complaint_about_it) {
  EXPECT_EQ(output_of("groff -man -Tutf8 -ww -z '" + kManual + "'"), "");
  EXPECT_NE(output_of("printf '.TH x 1\\n.B \\\\*[nonsense]\\n' | groff -man -Tutf8 -ww -z"), "");
}

TEST(Manual, every_exit_status_of_the_program_stands_in_it) {
  std::ostringstream manual;
  manual << std::ifstream(kManual).rdbuf();
  for (const char* status : {"0", "1", "2", "64", "65", "69", "70", "71", "73", "74", "77"})
    EXPECT_NE(manual.str().find(std::string("\n.B ") + status + "\n"), std::string::npos) << status;
}

}  // namespace
}  // namespace crypelab::cli::manual_test
