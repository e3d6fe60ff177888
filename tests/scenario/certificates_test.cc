#include "harness/base/error.h"
#include "harness/lab/lab.h"
#include "lab_run.h"
#include "told.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

// What the servers of a scenario show of themselves, read by openssl; and where their keys lie.
namespace crypelab::test::certificates_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kServers = R"(
scenario: test/certificates
title: Servers with other certificates
signaling: {certificate: untrusted, key: rsa}
turn-a: {certificate: not-yet-valid, key: rsa}
turn-b: {script: [{on: allocate, answer: 486}], certificate: wrong-name}
sites:
  office:
    subnet: 10.20.0.0/24
    nat: {}
    proxies:
      early: {tls: {certificate: not-yet-valid, key: rsa}}
      plain: {tls: true}
clients:
  alice: {site: office}
)";

// The kind of key of a server, and whether its certificate is good for that name and why not.
std::string look_at(const std::string& name, const std::string& port) {
  return "openssl s_client -connect " + name + ":" + port + " -servername " + name + " -verify_hostname " + name +
         " </dev/null >/tmp/seen 2>&1\necho " + name +
         " $(openssl x509 -noout -text </tmp/seen | grep -Eo 'rsaEncryption|[(]2048 bit[)]|P-256' | tr '\\n' ' ')"
         "$(grep -o 'Verif.*: .*' /tmp/seen | tail -1)\n";
}

TEST(Certificates, are_of_the_kind_and_have_the_fault_that_the_scenario_says) {
  const auto out = run_in_lab(plan_of(kServers), "alice",
                              look_at("signal.crype.test", "443") + look_at("turns.crype.test", "5349") +
                                  look_at("turns-b.crype.test", "5349") + look_at("early.office.test", "3128") +
                                  look_at("plain.office.test", "3128"));
  EXPECT_EQ(
      out.out,
      "signal.crype.test rsaEncryption (2048 bit) Verify return code: 21 (unable to verify the first certificate)\n"
      "turns.crype.test rsaEncryption (2048 bit) Verify return code: 9 (certificate is not yet valid)\n"
      "turns-b.crype.test P-256 Verify return code: 62 (hostname mismatch)\n"
      "early.office.test rsaEncryption (2048 bit) Verify return code: 9 (certificate is not yet valid)\n"
      "plain.office.test P-256 Verify return code: 0 (ok)\n");
}

// The devices of all that is mounted where this process lives, as "8:1".
std::set<std::string> devices_outside() {
  std::set<std::string> devices;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line, number, parent, device; std::getline(mounts, line);) {
    std::istringstream(line) >> number >> parent >> device;
    devices.insert(device);
  }
  return devices;
}

// Every private key that any program of this lab can see in the folder of its own, and what it lies on.
std::string keys_in_this_lab(const std::set<std::string>& outside) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::size_t in_memory = 0;
  std::string elsewhere;
  for (const auto& process : fs::directory_iterator("/proc")) {
    std::error_code error;
    for (const auto& file : fs::directory_iterator(process.path() / "root/var/lib/service", error)) {
      struct stat status {};
      struct statfs system {};
      if (file.path().extension() != ".key" || stat(file.path().c_str(), &status) != 0 ||
          statfs(file.path().c_str(), &system) != 0 || !seen.emplace(status.st_dev, status.st_ino).second)
        continue;
      std::string first;
      std::ifstream in(file.path());
      std::getline(in, first);
      const auto device = fmt::format("{}:{}", major(status.st_dev), minor(status.st_dev));
      const bool memory = system.f_type == TMPFS_MAGIC && !outside.contains(device);
      if (memory && first == "-----BEGIN PRIVATE KEY-----") {
        ++in_memory;
      } else {
        elsewhere += fmt::format("{} on {} ({:x}): {}\n", file.path().string(), device, system.f_type, first);
      }
    }
  }
  return fmt::format("{} in memory\n{}", in_memory, elsewhere);
}

// A file system in memory that only the lab's mount namespaces hold is gone with them.
TEST(Certificates, keys_lie_in_memory_alone_and_end_with_the_lab) {
  const auto outside = devices_outside();
  ASSERT_FALSE(outside.empty());
  const auto plan = plan_of(kServers);
  std::size_t keys = 0;
  for (const auto& process : plan.processes) keys += process.certificates.size();
  ASSERT_EQ(keys, 5U);
  const auto told = told_by([&](kernel::Supervised& supervised, int output) {
    lab::Lab lab(plan, supervised);
    write_all(output, keys_in_this_lab(outside));
    return 0;
  });
  EXPECT_EQ(told.text, "5 in memory\n");
}

}  // namespace
}  // namespace crypelab::test::certificates_test
