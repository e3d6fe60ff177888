#include "harness/base/error.h"
#include "harness/lab/lab.h"
#include "harness/scenario/loader.h"
#include "words.h"

#include <algorithm>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::test::missing_test {
namespace {

// Runs crypelab where the programs of those names are not there, in a mount namespace of its own.
Finished without(const std::vector<std::string>& programs, const std::string& words) {
  std::string script;
  for (const auto& program : programs) {
    script += "path=$(PATH=$PATH:/usr/sbin:/sbin command -v " + program +
              ") && mount --bind /dev/null \"$path\" || exit 99\n";
  }
  script += "exec " + one_word(kProgram) + " " + words;
  const std::string user = geteuid() == 0 ? "" : " --map-root-user";
  return shell("exec unshare -m" + user + " sh -c " + one_word(script));
}

// Runs crypelab where that program says something and ends as soon as it is started.
Finished with_a_broken(const std::string& program, const std::string& words) {
  const std::string script = "path=$(PATH=$PATH:/usr/sbin:/sbin command -v " + program +
                             ") && new=$(mktemp) && printf '#!/bin/sh\\necho fatal: line 7: what is this?\\nexit 3\\n' "
                             "> $new && chmod 755 $new && mount --bind $new \"$path\" && rm $new || exit 99\nexec " +
                             one_word(kProgram) + " " + words;
  const std::string user = geteuid() == 0 ? "" : " --map-root-user";
  return shell("exec unshare -m" + user + " sh -c " + one_word(script));
}

// The remedy that the doctor gives for a finding; empty when it is there.
std::string remedy(const Finished& doctor, const std::string& what) {
  const auto json = boost::json::parse(doctor.out);
  for (const auto& row : json.at("findings").as_array()) {
    const auto& finding = row.as_object();
    if (finding.at("what").as_string() != what) continue;
    return finding.contains("remedy") ? std::string(finding.at("remedy").as_string()) : "";
  }
  ADD_FAILURE() << "no finding " << what << " in " << doctor.out;
  return "";
}

TEST(Missing, a_program_that_is_not_installed_is_named_with_the_line_that_installs_it) {
  const ScenarioFile file(kTwoSites);
  const auto names = without({"dnsmasq"}, "exec " + file.path() + " -- true");
  EXPECT_EQ(names.status, 69);
  EXPECT_NE(names.err.find("apt-get install dnsmasq-base"), std::string::npos) << names.err;
  const auto rules = without({"nft"}, "exec " + file.path() + " -- true");
  EXPECT_EQ(rules.status, 69);
  EXPECT_NE(rules.err.find("apt-get install nftables"), std::string::npos) << rules.err;
}

// Within a second; where the same world takes more than half of one to be up and gone when nothing is broken, the
// machine has something else to do, and twice that is allowed. Who waits for a deadline is late in every round.
TEST(Missing, a_service_that_does_not_start_is_reported_with_its_words_and_its_configuration_within_a_second) {
  const ScenarioFile file(R"(
scenario: test/broken
title: A service that does not start
sites: {office: {proxy: {auth: basic, users: {alice: wonderland}}}}
clients: {alice: {site: office}}
)");
  const std::string folder = "/var/lib/service/";
  const std::pair<std::string, std::string> services[] = {
      {"turnserver", "its configuration, " + folder + "turnserver.conf:\n   1  listening-ip=203.0.113.22\n"},
      {"squid", "its configuration, " + folder + "squid.conf:\n   1  "},
      {"dnsmasq", "it was started as: /usr/sbin/dnsmasq --"}};
  for (const auto& [program, told] : services) {
    bool in_time = false;
    for (int round = 0; round < 5 && !in_time; ++round) {
      const auto whole = shell(one_word(kProgram) + " exec " + file.path() + " -- true");
      ASSERT_EQ(whole.status, 0) << whole.err;
      const auto exec = with_a_broken(program, "exec " + file.path() + " -- true");
      in_time = exec.took < std::max(std::chrono::milliseconds(1000), 2 * whole.took);
      EXPECT_EQ(exec.status, 69) << exec.err;
      EXPECT_NE(exec.err.find(" did not start: exit status 3\n  fatal: line 7: what is this?\nit was started as: "),
                std::string::npos)
          << exec.err;
      EXPECT_NE(exec.err.find("\n" + told), std::string::npos) << exec.err;
      EXPECT_EQ(exec.err.find("wonderland"), std::string::npos) << exec.err;
    }
    EXPECT_TRUE(in_time) << program;
  }
}

TEST(Missing, what_a_scenario_does_not_need_may_be_missing) {
  const ScenarioFile file(kTwoSites);
  EXPECT_EQ(without({"tayga", "unbound"}, "exec " + file.path() + " -- true").status, 0);
}

TEST(Missing, the_doctor_gives_the_line_for_each_missing_program) {
  const auto doctor = without({"dnsmasq", "tayga", "unbound"}, "doctor --json");
  EXPECT_EQ(doctor.status, 69) << doctor.err;
  EXPECT_EQ(remedy(doctor, "dnsmasq"), "apt-get install dnsmasq-base");
  EXPECT_EQ(remedy(doctor, "tayga"), "apt-get install tayga");
  EXPECT_EQ(remedy(doctor, "unbound"), "apt-get install unbound");
  EXPECT_EQ(remedy(doctor, "nft"), "");
  const auto nothing = without({"nft"}, "doctor --json");
  EXPECT_EQ(nothing.status, 69) << nothing.err;
  EXPECT_EQ(remedy(nothing, "nft"), "apt-get install nftables");
}

// A machine where nobody may make a user namespace, and somebody there without privilege: root of an outer namespace
// sets the limit, and gives its capabilities away.
Finished where_user_namespaces_are_forbidden(const std::string& words) {
  const std::string inner =
      "echo 0 > /proc/sys/user/max_user_namespaces || exit 99\nexec setpriv --bounding-set=-all --inh-caps=-all " +
      one_word(kProgram) + " " + words;
  return shell("exec unshare --user --map-root-user sh -c " + one_word(inner));
}

TEST(Missing, without_privilege_the_way_to_get_it_is_said) {
  const ScenarioFile file(kTwoSites);
  const auto exec = where_user_namespaces_are_forbidden("exec " + file.path() + " -- true");
  EXPECT_EQ(exec.status, 77) << exec.err;
  EXPECT_NE(exec.err.find("sudo sysctl -w user.max_user_namespaces="), std::string::npos) << exec.err;
  const auto doctor = where_user_namespaces_are_forbidden("doctor --json");
  EXPECT_EQ(doctor.status, 77) << doctor.out << doctor.err;
  EXPECT_NE(doctor.out.find("sudo sysctl -w user.max_user_namespaces="), std::string::npos) << doctor.out;
}

TEST(Missing, rules_that_the_kernel_refuses_are_shown_with_its_words_and_nothing_comes_up) {
  auto loaded = scenario::parse(kTwoSites, "test.yaml");
  auto plan = blueprint::draw(loaded.scenarios.at(0));
  const auto edge = std::ranges::find(plan.hosts, "office.edge", &blueprint::Host::name);
  ASSERT_NE(edge, plan.hosts.end());
  // Right for nft, wrong for the kernel: a chain of type nat at a hook that has none.
  edge->rule_set += "table inet more {\n  chain wrong {\n    type nat hook forward priority 0;\n  }\n}\n";
  try {
    kernel::supervise([&](kernel::Supervised& supervised) {
      const lab::Lab lab(plan, supervised);
      return 0;
    });
    ADD_FAILURE() << "the kernel took it";
  } catch (const Failure& refused) {
    EXPECT_EQ(refused.exit(), Exit::os);
    const std::string words = refused.what();
    EXPECT_NE(words.find("chain wrong"), std::string::npos) << words;
    EXPECT_NE(words.find("Operation not supported"), std::string::npos) << words;
  }
}

TEST(Missing, a_home_on_a_full_disk_stops_no_lab) {
  const ScenarioFile file(kTwoSites);
  const std::string script =
      "mount -t tmpfs -o size=4k tmpfs /mnt && cd /mnt && { head -c 8k /dev/zero > fill; true; } && HOME=/mnt "
      "TMPDIR=/mnt exec " +
      one_word(kProgram) + " exec " + file.path() + " -- true";
  const auto exec = shell("exec unshare -m --user --map-root-user sh -c " + one_word(script) + " 2>&1");
  EXPECT_EQ(exec.status, 0) << exec.out;
}

}  // namespace
}  // namespace crypelab::test::missing_test
