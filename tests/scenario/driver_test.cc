#include "running.h"
#include "runs.h"

// What drivers do wrong, each an outcome with its name; the other client goes on.
namespace crypelab::test::driver_test {
namespace {

using namespace std::chrono_literals;
using model::Source;

TEST_F(Runs, a_driver_that_is_missing_or_cannot_be_run_is_an_outcome_with_its_name) {
  run(path("not-there"), path("quits"));
  auto missing = attempt();
  EXPECT_NE(std::get<std::string>(field(missing, "client-ended", "not-started").value_or("")).find("No such file"),
            std::string::npos);
  EXPECT_TRUE(missing.complete);
  std::filesystem::remove_all(folder_ / "out");
  chmod(driver("plain", "exit 0").c_str(), 0644);
  run(path("plain"), path("quits"));
  EXPECT_NE(std::get<std::string>(field(attempt(), "client-ended", "not-started").value_or("")).find("Permission"),
            std::string::npos);
}

TEST_F(Runs, a_driver_that_crashes_is_told_by_its_signal) {
  EXPECT_EQ(field(seen("kill -SEGV $$"), "client-ended", "signal"), model::Value(std::int64_t{11}));
}

TEST_F(Runs, a_driver_that_hangs_and_ignores_every_request_to_end_is_killed_with_all_that_it_started) {
  const auto seen = this->seen("trap '' TERM; sleep 4711 & sleep 4711");
  EXPECT_EQ(field(seen, "client-ended", "signal"), model::Value(std::int64_t{9}));
  EXPECT_EQ(field(seen, "client-ended", "ended-by-lab"), model::Value(std::string("peer-gone")));
  EXPECT_TRUE(seen.complete);
}

TEST_F(Runs, a_driver_that_leaves_daemons_behind_takes_them_along) {
  const std::string mark = "47110" + std::to_string(getpid());
  const auto seen = this->seen("setsid sh -c 'exec sleep " + mark + "' </dev/null >/dev/null 2>&1 & exit 0");
  EXPECT_EQ(field(seen, "client-ended", "exit"), model::Value(std::int64_t{0}));
  EXPECT_FALSE(runs_somewhere(mark));
}

TEST_F(Runs, garbage_is_a_finding_and_what_follows_is_heard) {
  const auto seen = this->seen("echo nonsense; echo '{\"event\":\"closed\"}'; exit 1");
  EXPECT_EQ(field(seen, "client-garbage", "line"), model::Value(std::string("nonsense")));
  EXPECT_EQ(of(seen, Source::client, "alice", "closed").size(), 1U);
}

TEST_F(Runs, a_flood_and_a_line_without_end_are_findings) {
  const auto flood = this->seen("yes '{\"event\":\"x\"}' | head -n 200000; exit 1");
  EXPECT_FALSE(of(flood, Source::lab, "alice", "client-flood").empty()) << said_;
  EXPECT_TRUE(flood.complete);
  std::filesystem::remove_all(folder_ / "out");
  const auto line = this->seen("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo '{\"event\":\"closed\"}'; exit 1");
  EXPECT_EQ(field(line, "client-long-line", "bytes"), model::Value(std::int64_t{3'000'000}));
  EXPECT_EQ(of(line, Source::client, "alice", "closed").size(), 1U);
}

TEST_F(Runs, a_disk_that_is_full_is_the_drivers_own) {
  const auto seen = this->seen(
      "dd if=/dev/zero of=$HOME/full bs=1M 2>/dev/null; dd if=/dev/zero of=/tmp/full bs=1M 2>/dev/null; "
      "echo '{\"event\":\"full\"}'; exit 1");
  EXPECT_EQ(of(seen, Source::client, "alice", "full").size(), 1U);
  EXPECT_TRUE(seen.complete);
}

// UDP_SEGMENT, udp(7): one message of the program's, three datagrams on a wire.
TEST_F(Runs, what_a_driver_has_the_kernel_cut_is_seen_as_the_datagrams_that_it_is) {
  const auto seen = this->seen(
      "python3 -c \"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(17, 103, 1000); "
      "s.sendto(b'm' * 2500, ('203.0.113.20', 9))\"; exit 1");
  std::vector<std::uint32_t> lengths;
  for (const auto& packet : seen.packets) {
    const std::string bytes(packet.bytes.begin(), packet.bytes.end());
    const bool is_hers = seen.interfaces.at(packet.interface).name == "alice.eth0";
    if (is_hers && bytes.find(std::string(100, 'm')) != std::string::npos) lengths.push_back(packet.length);
  }
  EXPECT_EQ(lengths, (std::vector<std::uint32_t>{1042, 1042, 542}));
}

TEST_F(Runs, a_driver_that_knows_every_task_is_found_out) {
  std::ofstream(path("yes-man")) << "#!/bin/sh\nexit 0\n";
  chmod(path("yes-man").c_str(), 0755);
  run(path("yes-man"), path("quits"));
  const auto probes = of(attempt(), Source::lab, path("yes-man"), "probe");
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(*find_field(probes[0], "exit"), model::Value(std::int64_t{0}));
}

TEST_F(Runs, a_driver_file_says_command_arguments_and_environment) {
  driver(
      "words",
      "echo \"{\\\"event\\\":\\\"closed\\\",\\\"a\\\":\\\"$1\\\",\\\"b\\\":\\\"$B\\\",\\\"c\\\":\\\"$C\\\"}\"; exit 1");
  std::ofstream(path("driver.yaml"))
      << "command: ./words\narguments: [one]\nenvironment: {B: two}\nsecrets: {C: account-of-mine}\n";
  run(path("driver.yaml"), path("quits"));
  const auto seen = attempt();
  EXPECT_EQ(field(seen, "closed", "a", Source::client), model::Value(std::string("one")));
  EXPECT_EQ(field(seen, "closed", "b", Source::client), model::Value(std::string("two")));
  EXPECT_EQ(field(seen, "closed", "c", Source::client), model::Value(std::string("[secret:alice/C]")));
}

TEST_F(Runs, a_name_that_is_no_driver_is_bad_usage) {
  const auto finished = run("crul", path("quits"));
  EXPECT_EQ(finished.status, 64);
  EXPECT_NE(finished.err.find("did you mean 'curl'"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace crypelab::test::driver_test
