#include "harness/model/world.h"
#include "harness/scenario/loader.h"

#include <chrono>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

// Steps and cases, and files that are none.
namespace crypelab::scenario::change_test {
namespace {

const std::string kHead = R"(scenario: test/one
title: A test
sites:
  office: {nat: {}, uplink: {delay: 10ms, loss: 1%}}
  home: {nat: {}}
clients:
  alice: {sites: [office, home]}
  bob: {site: home}
)";

std::vector<model::Step> steps_of(const std::string& steps) {
  const auto loaded = parse(kHead + "steps:\n" + steps, "test.yaml");
  EXPECT_EQ(to_string(loaded.problems), "");
  return loaded.ok() ? loaded.scenarios.at(0).steps : std::vector<model::Step>{};
}

TEST(Steps, come_by_time_and_then_by_the_order_of_the_file) {
  const auto steps = steps_of(
      "  - {at: 20s, site: office, uplink: down}\n"
      "  - {at: 10s, client: alice, site: home, link: up}\n"
      "  - {at: 20s, site: home, address: new}\n"
      "  - {at: 20s, record: turn.crype.test, to: [198.51.100.20]}\n");
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[0].at, std::chrono::seconds(10));
  EXPECT_EQ(std::get<model::SwitchClient>(steps[0].change), (model::SwitchClient{"alice", "home", model::Carrier::up}));
  EXPECT_EQ(std::get<model::SwitchUplink>(steps[1].change), (model::SwitchUplink{"office", model::Carrier::down}));
  EXPECT_EQ(std::get<model::RenumberSite>(steps[2].change), model::RenumberSite{"home"});
  EXPECT_EQ(std::get<model::ChangeRecord>(steps[3].change),
            (model::ChangeRecord{"turn.crype.test", {*parse_address("198.51.100.20")}}));
}

TEST(Steps, what_an_uplink_step_does_not_say_stays_as_it_was_then) {
  const auto steps = steps_of(
      "  - {at: 20s, site: office, uplink: {mtu: 1300}}\n"
      "  - {at: 10s, site: office, uplink: {up: {delay: 50ms}}}\n");
  ASSERT_EQ(steps.size(), 2u);
  const auto& later = std::get<model::ChangeUplink>(steps[1].change).uplink;
  EXPECT_EQ(later.mtu, 1300u);
  EXPECT_EQ(later.up.delay, std::chrono::milliseconds(50));
  EXPECT_EQ(later.down.delay, std::chrono::milliseconds(10));
  EXPECT_EQ(later.up.loss, model::Loss(model::RandomLoss{Ratio{10'000}, 1}));
}

TEST(Steps, an_egress_step_brings_all_its_rules) {
  const auto steps = steps_of("  - {at: 60s, site: office, egress: [{drop: {protocol: udp}}, {allow: {}}]}\n");
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(std::get<model::ChangeEgress>(steps[0].change).egress.size(), 2u);
}

TEST(Cases, become_scenarios_with_one_thing_varied) {
  const auto loaded = parse(kHead + R"(cases:
  slow:
    title: Slow
    proves: That it is slow.
    sites.office.uplink.delay: 300ms
  apart: {sites.home.isolation: true}
  other-site: {sites.home: {nat: {mapping: address}}}
  stepped: {steps: [{at: 1s, site: home, uplink: down}]}
)",
                            "test.yaml");
  ASSERT_EQ(to_string(loaded.problems), "");
  ASSERT_EQ(loaded.scenarios.size(), 4u);
  const auto& slow = loaded.scenarios[0];
  EXPECT_EQ(slow.name, "test/one/slow");
  EXPECT_EQ(slow.title, "Slow");
  EXPECT_EQ(slow.proves, "That it is slow.");
  EXPECT_EQ(slow.sites[0].uplink.up.delay, std::chrono::milliseconds(300));
  EXPECT_EQ(slow.sites[0].uplink.up.loss, model::Loss(model::RandomLoss{Ratio{10'000}, 1}));
  const auto& apart = loaded.scenarios[1];
  EXPECT_EQ(apart.title, "A test");
  EXPECT_TRUE(apart.sites[1].isolation);
  EXPECT_TRUE(apart.sites[1].nat);
  EXPECT_EQ(apart.sites[0].uplink.up.delay, std::chrono::milliseconds(10));
  EXPECT_EQ(loaded.scenarios[2].sites[1].nat->mapping, model::Dependence::address);
  EXPECT_EQ(loaded.scenarios[3].steps.size(), 1u);
}

TEST(Sites, without_a_subnet_get_one_of_their_own) {
  const auto loaded = parse(
      "scenario: a\ntitle: A\nsites: {a: {}, b: {nat: {}}, c: {}}\nclients: {x: {site: a}, y: {site: b}, z: {site: "
      "c}}\n",
      "test.yaml");
  ASSERT_EQ(to_string(loaded.problems), "");
  const auto& sites = loaded.scenarios[0].sites;
  EXPECT_EQ(sites[0].subnet4, model::site_default_subnet_v4(0, false));
  EXPECT_EQ(sites[1].subnet4, model::site_default_subnet_v4(1, true));
  EXPECT_EQ(sites[2].subnet4, model::site_default_subnet_v4(2, false));
  EXPECT_FALSE(sites[0].subnet6);
}

class Files : public testing::Test {
 protected:
  Files() { EXPECT_NE(mkdtemp(folder_.data()), nullptr); }
  ~Files() override { std::filesystem::remove_all(folder_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  std::filesystem::path path(const std::string& name) const { return std::filesystem::path(folder_) / name; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  static std::string message(const std::filesystem::path& file) {
    const auto loaded = load(file);
    EXPECT_TRUE(loaded.scenarios.empty());
    EXPECT_EQ(loaded.problems.size(), 1u) << to_string(loaded.problems);
    return loaded.problems.empty() ? "" : loaded.problems[0].message;
  }

 private:
  std::string folder_ = testing::TempDir() + "crypelab-scenario-XXXXXX";
};

TEST_F(Files, that_are_none_are_complained_about) {
  EXPECT_EQ(message(path("absent.yaml")), "there is no such file");
  EXPECT_EQ(message(path("")), "this is not a file");
  ASSERT_EQ(mkfifo(path("pipe.yaml").c_str(), 0600), 0);
  EXPECT_EQ(message(path("pipe.yaml")), "this is not a file");
  EXPECT_EQ(message("/dev/zero"), "this is not a file");
}

TEST_F(Files, beyond_the_limits_are_refused_unread) {
  EXPECT_EQ(message(write("large.yaml", std::string(2 << 20, '\n'))), "the file is larger than 1 MiB");
  EXPECT_EQ(message(write("lines.yaml", std::string(30'000, '\n'))), "the file has more than 20000 lines");
  EXPECT_EQ(message(write("line.yaml", "a: " + std::string(5000, 'x'))), "a line of more than 4000 bytes");
  EXPECT_EQ(message(write("brackets.yaml", std::string(3000, '['))), "brackets nested too deeply");
  std::string keys;
  for (int i = 0; i < 15'000; ++i) keys += "k" + std::to_string(i) + ": v\n";
  EXPECT_EQ(message(write("values.yaml", keys)), "more than 25000 values in one file");
}

TEST_F(Files, of_ten_thousand_lines_are_read) {
  std::string text = "scenario: a\ntitle: A\nsites:\n  office:\n    subnet: 10.0.0.0/16\nclients:\n";
  for (int i = 0; i < 1000; ++i) text += "  client-" + std::to_string(i) + ":\n    # where it sits\n    site: office\n";
  for (int line = 3006; line < 10'000; ++line) text += "# a remark\n";
  const auto start = std::chrono::steady_clock::now();
  const auto loaded = load(write("long.yaml", text));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(to_string(loaded.problems), "");
  ASSERT_EQ(loaded.scenarios.size(), 1u);
  EXPECT_EQ(loaded.scenarios[0].clients.size(), 1000u);
  EXPECT_LT(took, std::chrono::seconds(2));  // 50 ms on an idle machine; what is quadratic takes minutes
}

TEST_F(Files, find_named_sites_beside_them_or_above) {
  const std::string text = "scenario: a\ntitle: A\nsites: {office: branch}\nclients: {x: {site: office}}\n";
  write("sites/branch.yaml", "subnet: 10.9.0.0/24\n");
  for (const auto* name : {"one.yaml", "below/one.yaml", "below/below/one.yaml"}) {
    const auto loaded = load(write(name, text));
    ASSERT_EQ(to_string(loaded.problems), "");
    EXPECT_EQ(to_string(*loaded.scenarios.at(0).sites.at(0).subnet4), "10.9.0.0/24");
  }
  write("sites/branch.yaml", "subnet: 10.9.0.1/24\n");
  const auto problems = load(path("one.yaml")).problems;
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(std::filesystem::path(problems[0].file).filename(), "branch.yaml");
  EXPECT_EQ(problems[0].line, 1u);
  EXPECT_EQ(problems[0].column, 9u);
}

TEST_F(Files, cannot_name_sites_outside_the_folder) {
  write("secret.yaml", "subnet: 10.9.0.0/24\n");
  write("sites/branch.yaml", "{}\n");
  const std::string text = "scenario: a\ntitle: A\nsites: {office: ../secret}\nclients: {x: {site: office}}\n";
  EXPECT_EQ(message(write("one.yaml", text)), "there is no named site '../secret'");
}

}  // namespace
}  // namespace crypelab::scenario::change_test
