#include "../unit/evidence/temporary_folder.h"
#include "command.h"

#include <charconv>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

// Who sent what must not have left: the user and the program, as the kernel knew them.
namespace crypelab::test::senders_test {
namespace {

std::string offences_of(const std::string& misbehaviour) {
  const evidence::TemporaryFolder folder;
  evidence::put(folder.path() / "bypass.yaml",
                fmt::format("scenario: test/bypass\ntitle: A proxy that is to be used\n"
                            "sites: {{office: {{proxy: {{}}}}, home: {{}}}}\n"
                            "clients:\n"
                            "  alice: {{site: office, app: desktop, non-proxied-udp: false{}, proxy: "
                            "{{mode: fixed_servers, rules: \"http://proxy.office.test:3128\"}}}}\n"
                            "  bob: {{site: home, turn: none}}\n"
                            "expect: [{{no-bypass: {{site: office}}}}]\n",
                            misbehaviour));
  crypelab({"run", folder.path() / "bypass.yaml", "--out", folder.path() / "out"});
  const auto record = boost::json::parse(evidence::contents(folder.path() / "out" / "run.json"));
  for (const auto& verdict : record.at("attempts").at(0).at("verdicts").as_array()) {
    if (verdict.at("check").as_string() != "no-bypass") continue;
    std::string all;
    if (verdict.as_object().contains("details")) {
      for (const auto& detail : verdict.at("details").as_array()) all += std::string(detail.as_string()) + "\n";
    }
    return std::string(verdict.at("outcome").as_string()) + "\n" + all;
  }
  return "no verdict";
}

TEST(Senders, of_what_goes_past_the_proxy_are_named_by_user_and_program) {
  const auto offences = offences_of(", misbehave: no-bypass");
  ASSERT_TRUE(offences.starts_with("fail\n")) << offences;
  const auto at = offences.find("uid ");
  ASSERT_NE(at, std::string::npos) << offences;
  std::uint64_t user = 0;
  std::from_chars(offences.data() + at + 4, offences.data() + offences.size(), user);
  // As root each host's programs have a user of their own, above all that a machine has (kernel/supervisor.h).
  if (::geteuid() == 0) {
    EXPECT_GT(user, 1'000'000'000U) << offences;
  } else {
    EXPECT_EQ(user, ::getuid()) << offences;
  }
  EXPECT_NE(offences.find(", crypelab-client"), std::string::npos) << offences;
}

TEST(Senders, are_nobody_where_nothing_goes_past) { EXPECT_EQ(offences_of(""), "pass\n"); }

}  // namespace
}  // namespace crypelab::test::senders_test
