#include "words.h"

#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace crypelab::test::output_test {
namespace {

std::vector<std::string> all_scenarios() {
  const auto list = crypelab({"list", CRYPELAB_SOURCE "/scenarios"});
  EXPECT_EQ(list.status, 0) << list.err;
  std::vector<std::string> names;
  std::istringstream lines(list.out);
  for (std::string line; std::getline(lines, line);) names.push_back(line.substr(0, line.find(' ')));
  EXPECT_GT(names.size(), 200U);
  return names;
}

TEST(Output, what_cannot_be_written_is_an_error_of_output_whichever_command_writes) {
  const ScenarioFile file(kTwoSites);
  for (const std::string& words :
       {std::string("list ") + CRYPELAB_SOURCE "/scenarios", "check " + file.path(), "show " + file.path(),
        "show --as svg " + file.path(), std::string("doctor"), std::string("doctor --json"),
        "measure --quick " + file.path(), std::string("completion zsh"), std::string("--help")}) {
    const auto full = shell(one_word(kProgram) + " " + words + " > /dev/full");
    EXPECT_EQ(full.status, 74) << words << "\n" << full.err;
    EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << words << "\n" << full.err;
  }
}

TEST(Output, selections_that_match_nothing_and_files_with_mistakes_have_their_own_statuses) {
  const ScenarioFile bad("scenario: test/bad\nsurprise: 1\n");
  const ScenarioFile junk(std::string("\x00\xff\x01 binary", 9));
  for (const char* command : {"check", "list", "show", "measure"}) {
    EXPECT_EQ(crypelab({command, "/no/such/file.yaml"}).status, 64) << command;
    const auto answer = crypelab({command, bad.path()});
    EXPECT_EQ(answer.status, 65) << command;
    EXPECT_NE(answer.err.find(bad.path() + ":2:1"), std::string::npos) << answer.err;
    EXPECT_EQ(answer.out, "") << command;
    EXPECT_EQ(crypelab({command, junk.path()}).status, 65) << command;
  }
  EXPECT_EQ(crypelab({"show", "no/such-scenario"}).status, 64);
  EXPECT_EQ(crypelab({"check"}).status, 64);
  EXPECT_EQ(crypelab({"fly"}).status, 64);
  EXPECT_EQ(shell("empty=$(mktemp -d) && " + one_word(kProgram) + " list $empty; s=$?; rmdir $empty; exit $s").status,
            64);
}

TEST(Output, a_blueprint_is_printed_the_same_twice) {
  const ScenarioFile file(kRich);
  for (const char* form : {"text", "svg", "graphviz", "rules"}) {
    const auto first = crypelab({"show", "--as", form, file.path()});
    EXPECT_EQ(first.status, 0) << first.err;
    EXPECT_GT(first.out.size(), 500U);
    EXPECT_EQ(first.out, crypelab({"show", "--as", form, file.path()}).out) << form;
  }
}

TEST(Output, drawings_are_what_their_readers_accept) {
  const ScenarioFile file(kRich);
  const std::string show = one_word(kProgram) + " show " + file.path() + " --as ";
  const auto svg = shell(show +
                         "svg | python3 -c 'import sys, xml.etree.ElementTree as tree; "
                         "print(tree.fromstring(sys.stdin.read()).tag)'");
  EXPECT_EQ(svg.out, "{http://www.w3.org/2000/svg}svg\n") << svg.err;
  const auto dot = shell(show + "graphviz | dot -Tplain");
  EXPECT_EQ(dot.status, 0) << dot.err;
  EXPECT_NE(dot.out.find("office.edge"), std::string::npos);
}

// A script that does this with what `show` says of each scenario, as $shown; 69 is its answer where a program is
// missing for what the scenario asks for.
std::string for_each_scenario(const std::string& form, const std::string& then) {
  std::string script = "cd " + one_word(CRYPELAB_SOURCE) + "\n";
  for (const auto& name : all_scenarios()) {
    script += "shown=$(" + one_word(kProgram) + " show --as " + form + " " + one_word(name) +
              "); status=$?; [ $status = 0 ] || [ $status = 69 ] || exit 1\n[ $status = 69 ] || " + then +
              " || { echo " + one_word(name) + "; exit 1; }\n";
  }
  return script;
}

TEST(Output, nft_accepts_the_rules_of_every_scenario) {
  // In a network of its own: nft -c asks the kernel, too.
  const auto checked = run("/usr/bin/unshare",
                           {"--map-root-user", "--user", "--net", "sh", "-c",
                            for_each_scenario("rules", "printf '%s' \"$shown\" | nft -c -f -")},
                           std::chrono::seconds(150));
  EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
}

TEST(Output, every_scenario_has_a_drawing) {
  const auto drawn = shell(for_each_scenario("svg", "[ ${#shown} -gt 500 ]"), std::chrono::seconds(150));
  EXPECT_EQ(drawn.status, 0) << drawn.out << drawn.err;
}

TEST(Output, the_doctor_speaks_json) {
  const auto healthy = crypelab({"doctor", "--json"});
  ASSERT_EQ(healthy.status, 0) << healthy.out << healthy.err;
  const auto json = boost::json::parse(healthy.out);
  for (const auto& row : json.at("findings").as_array()) {
    const auto& finding = row.as_object();
    EXPECT_FALSE(finding.at("what").as_string().empty());
    EXPECT_EQ(finding.contains("remedy"), finding.at("state").as_string() != "ok") << boost::json::serialize(row);
  }
}

}  // namespace
}  // namespace crypelab::test::output_test
