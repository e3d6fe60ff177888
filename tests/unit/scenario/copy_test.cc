#include "harness/scenario/copy.h"

#include "harness/base/error.h"
#include "harness/scenario/driver_file.h"
#include "harness/scenario/loader.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace crypelab::scenario::copy_test {
namespace {

class Copies : public testing::Test {
 protected:
  Copies() {
    std::string pattern = std::filesystem::temp_directory_path() / "crypelab-copy-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
  }
  ~Copies() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path put(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  std::filesystem::path folder_;
};

std::string file(const std::vector<CopiedFile>& files, const std::string& name) {
  const auto found = std::ranges::find(files, name, &CopiedFile::name);
  return found == files.end() ? "none" : found->text;
}

TEST_F(Copies, hold_a_file_once_that_cases_read_again) {
  const auto path = put("one.yaml", R"(scenario: test/one
title: Twice
sites:
  office: {pac: {file: own.pac}}
clients:
  alice: {site: office}
cases:
  fast: {sites.office.pac: {file: own.pac}}
  slow: {sites.office.pac: {file: own.pac, delay: 1s}}
)");
  put("own.pac", "function FindProxyForURL(u, h) { return 'DIRECT'; }\n");
  EXPECT_EQ(copy(path).size(), 2U);
}

TEST_F(Copies, hold_everything_that_a_scenario_reads_and_load_as_it_does) {
  put("sites/corporate.yaml", "subnet: 10.1.0.0/16\nproxy: {auth: basic, users: {bob: wonderland}}\n");
  put("customer.pac", "function FindProxyForURL(u, h) { return 'DIRECT'; }\n");
  const auto path = put("proxy/one.yaml", R"(scenario: test/one
title: Wörter mit ä # wonderland stays where it is no password
sites:
  office: {proxy: {auth: basic, users: {alice: wonderland, "a.b": 'look''ing', c: "wonder\"land"}}, pac: {file: own.pac}}
  other: corporate
clients:
  alice: {site: office, proxy: {mode: fixed_servers, rules: "http://proxy.office.test:3128", credentials: given, username: alice, password: wonderland}}
  bob: {site: other}
cases:
  right: {sites.office.proxy.users: {alice: wonderland}}
  wrong: {sites.office.proxy.users.alice: other-word}
)");
  put("proxy/own.pac", "function FindProxyForURL(u, h) { return 'PROXY proxy.office.test:3128'; }\n");
  const auto files = copy(path);
  ASSERT_EQ(files.size(), 3U);
  const auto text = file(files, "scenario.yaml");
  EXPECT_NE(text.find("# wonderland stays"), std::string::npos);
  EXPECT_NE(text.find("users: {alice: password-1, \"a.b\": password-2, c: password-3}"), std::string::npos) << text;
  EXPECT_NE(text.find("username: alice, password: password-1}"), std::string::npos) << text;
  EXPECT_NE(text.find("right: {sites.office.proxy.users: {alice: password-1}}"), std::string::npos) << text;
  EXPECT_NE(text.find("wrong: {sites.office.proxy.users.alice: password-4}"), std::string::npos) << text;
  EXPECT_NE(file(files, "sites/corporate.yaml").find("{bob: password-1}"), std::string::npos);
  EXPECT_NE(file(files, "own.pac").find("PROXY proxy.office.test"), std::string::npos);
  for (const auto& each : files) put("copy/" + each.name, each.text);
  const auto original = load(path);
  const auto copied = load(folder_ / "copy/scenario.yaml");
  ASSERT_TRUE(original.ok()) << to_string(original.problems);
  ASSERT_TRUE(copied.ok()) << to_string(copied.problems);
  ASSERT_EQ(copied.scenarios.size(), original.scenarios.size());
  EXPECT_EQ(copied.scenarios[0].sites[1], [&] {
    auto site = original.scenarios[0].sites[1];
    site.proxies[0].users[0].password = "password-1";
    return site;
  }());
}

TEST_F(Copies, of_what_cannot_be_read_say_so) { EXPECT_THROW(copy(folder_ / "none.yaml"), Failure); }

TEST_F(Copies, a_driver_file_says_how_it_is_started) {
  const auto driver = read_driver(put(
      "d/driver.yaml", "command: ./run\narguments: [--a, b c]\nenvironment: {A: b}\nsecrets: {KEY: \"a long one\"}\n"));
  EXPECT_EQ(driver.command, (std::vector<std::string>{folder_ / "d/run", "--a", "b c"}));
  EXPECT_EQ(driver.environment, (std::map<std::string, std::string>{{"A", "b"}}));
  EXPECT_EQ(driver.secrets, (std::map<std::string, std::string>{{"KEY", "a long one"}}));
  EXPECT_EQ(driver.folder, folder_ / "d");
  EXPECT_EQ(read_driver(put("j.json", R"({"command": "node", "arguments": ["x.js"]})")).command,
            (std::vector<std::string>{"node", "x.js"}));
}

TEST_F(Copies, mistakes_in_a_driver_file_are_told_with_their_places) {
  const auto complaint = [&](const std::string& text) -> std::string {
    try {
      read_driver(put("driver.yaml", text));
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.exit(), Exit::data);
      return failure.what();
    }
    return "none";
  };
  EXPECT_NE(complaint("arguments: [x]\n").find("command"), std::string::npos);
  EXPECT_NE(complaint("command: x\nargument: [x]\n").find("driver.yaml:2:1:"), std::string::npos);
  EXPECT_NE(complaint("command: x\nenvironment: [x]\n").find("driver.yaml:2:14:"), std::string::npos);
  EXPECT_NE(complaint("command: x\nsecrets: {A: abc}\n").find("too short"), std::string::npos);
}

}  // namespace
}  // namespace crypelab::scenario::copy_test
