#include "running.h"
#include "words.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::test::sandbox_test {
namespace {

// What a script prints on a host.
Finished inside(const std::string& script, const std::vector<std::string>& options = {}) {
  const ScenarioFile file(kTwoSites);
  std::vector<std::string> words{"exec", file.path()};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"--", "sh", "-c", script});
  return crypelab(words);
}

TEST(Sandbox, a_program_does_not_see_how_the_lab_was_started) {
  const auto seen = inside("tr '\\0' ' ' < /proc/1/cmdline; cat /proc/1/environ; ps ax | grep -c '[c]rypelab exec'");
  EXPECT_EQ(seen.out.substr(0, 4), "init") << seen.out;
  EXPECT_EQ(seen.out.find("crypelab exec"), std::string::npos) << seen.out;
  EXPECT_EQ(seen.out.find("PATH="), std::string::npos) << seen.out;
  EXPECT_EQ(seen.out.substr(seen.out.size() - 2), "0\n") << seen.out;
}

TEST(Sandbox, the_environment_is_what_a_login_gives_and_the_credentials_of_the_lab) {
  const ScenarioFile file(kTwoSites);
  const auto printed = shell("SECRET=swordfish http_proxy=http://x " + one_word(kProgram) + " exec " + file.path() +
                             " -- env | cut -d= -f1 | sort | tr '\\n' ' '");
  EXPECT_EQ(printed.out, "CRYPELAB_TOKEN CRYPELAB_TURN_PASSWORD CRYPELAB_TURN_USER HOME LANG LOGNAME PATH USER ");
}

TEST(Sandbox, files_of_the_machine_cannot_be_written_and_secrets_cannot_be_read) {
  const auto seen = inside(
      "for file in /etc/shadow /etc/gshadow /root /etc/ssh /etc/ssl/private /var/lib/dpkg /proc/kcore /proc/1/root "
      "/proc/1/fd /proc/1/mem /sys/kernel/debug /dev/vda /dev/mem /dev/kmsg; do "
      "cat $file/* > /dev/null 2>&1 || head -c 1 $file > /dev/null 2>&1 && echo \"read $file\"; done; "
      "for folder in / /etc /usr /usr/bin /opt /var /var/lib /dev /sys /home; do "
      "touch $folder/x 2> /dev/null && echo \"wrote $folder\"; done; "
      "for setting in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sysrq-trigger "
      "/proc/sys/net/ipv4/ip_forward; do (echo 0 > $setting) 2> /dev/null && echo \"set $setting\"; done; "
      "(echo x > /proc/1/mem) 2> /dev/null && echo memory; true");
  EXPECT_EQ(seen.out, "") << seen.err;
  EXPECT_EQ(seen.status, 0);
}

TEST(Sandbox, no_process_of_the_lab_or_of_another_host_is_seen_signalled_or_traced) {
  const auto seen = inside(
      "ps ax -o comm=; kill -9 1; kill -STOP 1; kill -9 -1; "
      "python3 -c 'import ctypes; print(ctypes.CDLL(None).ptrace(16, 1, 0, 0))'; echo alive");
  EXPECT_EQ(seen.status, 0) << seen.err;
  EXPECT_EQ(seen.out, "crypelab\nsh\nps\n-1\nalive\n");
}

TEST(Sandbox, a_user_namespace_of_its_own_gains_nothing) {
  const auto seen = inside(
      "unshare -Urnm sh -c 'mount -o remount,rw / ; touch /usr/x; mount --bind /tmp /etc && echo \"own namespace\"; "
      "nsenter -t 1 -n true && echo entered; echo 1 > /proc/sys/net/ipv4/ip_forward && echo own; true' 2> /dev/null; "
      "nft list ruleset > /dev/null 2>&1 && echo rules; ip link set lo down 2> /dev/null && echo link; "
      "ip addr add 10.20.0.77/24 dev lo 2> /dev/null && echo address; touch /usr/x 2> /dev/null && echo usr; true");
  EXPECT_EQ(seen.out.find("entered"), std::string::npos) << seen.out;
  EXPECT_EQ(seen.out.find("rules"), std::string::npos) << seen.out;
  EXPECT_EQ(seen.out.find("link"), std::string::npos) << seen.out;
  EXPECT_EQ(seen.out.find("address"), std::string::npos) << seen.out;
  EXPECT_EQ(seen.out.find("usr"), std::string::npos) << seen.out;
  // It holds no capability, and a set-uid program gives it none.
  const auto powers = inside("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status | tr -d '\\t '");
  EXPECT_EQ(powers.out,
            "CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nCapBnd:0000000000000000\n"
            "CapAmb:0000000000000000\nNoNewPrivs:1\n");
}

TEST(Sandbox, sockets_of_the_machine_are_out_of_reach) {
  // Somebody on the machine listens on an abstract name, and on loopback.
  const ScenarioFile file(kTwoSites);
  const auto seen = run(
      "/usr/bin/python3",
      {"-c",
       "import socket, subprocess, sys\n"
       "a = socket.socket(socket.AF_UNIX); a.bind('\\0crypelab-test-%d' % " +
           std::to_string(getpid()) +
           "); a.listen()\n"
           "t = socket.socket(); t.bind(('127.0.0.1', 0)); t.listen()\n"
           "script = '''\n"
           "import socket\n"
           "for family, where in ((socket.AF_UNIX, '\\\\0crypelab-test-%d' ), (socket.AF_INET, ('127.0.0.1', %d))):\n"
           "  try:\n"
           "    socket.socket(family).connect(where); print('reached', where)\n"
           "  except OSError as e: print('refused')\n"
           "''' % (" +
           std::to_string(getpid()) +
           ", t.getsockname()[1])\n"
           "sys.exit(subprocess.run(['" +
           kProgram + "', 'exec', '" + file.path() + "', '--', 'python3', '-c', script]).returncode)\n"});
  EXPECT_EQ(seen.status, 0) << seen.err;
  EXPECT_EQ(seen.out, "refused\nrefused\n") << seen.err;
  const auto paths =
      inside("ls /run /var/run/dbus /run/systemd /run/nscd /tmp/.X11-unix 2> /dev/null; cat /proc/net/unix | wc -l");
  EXPECT_EQ(paths.out, "/run:\n1\n");  // the heading of sockets alone
}

TEST(Sandbox, a_fork_bomb_is_bounded_and_ends_with_the_lab) {
  const ScenarioFile file(kTwoSites);
  const std::string mark = "fork-bomb-of-" + std::to_string(getpid());
  const auto bomb = crypelab({"exec", file.path(), "--", "python3", "-c",
                              "import os, sys\n"
                              "made = 0\n"
                              "try:\n"
                              "  while made < 4000:\n"
                              "    if os.fork() == 0:\n"
                              "      import signal; signal.pause()\n"
                              "    made += 1\n"
                              "except BlockingIOError: pass\n"
                              "print('bounded' if made < 4000 else 'endless')\n",
                              mark},
                             std::chrono::seconds(150));
  EXPECT_EQ(bomb.status, 0) << bomb.err;
  EXPECT_EQ(bomb.out, "bounded\n");
  EXPECT_FALSE(runs_somewhere(mark));
}

TEST(Sandbox, folders_that_can_be_written_are_bounded) {
  const auto full = inside(
      "for folder in /tmp /dev/shm ~; do head -c 3G /dev/zero > $folder/x 2> /dev/null && echo $folder; "
      "rm -f $folder/x; done; true");
  EXPECT_EQ(full.out, "") << full.err;
}

}  // namespace
}  // namespace crypelab::test::sandbox_test
