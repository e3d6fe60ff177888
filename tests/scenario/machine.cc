#include "machine.h"

#include "words.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace crypelab::test {
namespace {

namespace fs = std::filesystem;
using kernel::testing::Caller;

constexpr const char* kHome = "/var/home";

// Folders of a machine, empty, without losing the programs under test, which may lie below one of them.
constexpr const char* kFurnish = R"(
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run && mkdir /run/kept
mount --rbind "$1" /run/kept
for folder in /tmp /var /dev/shm; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
mkdir -p -m 755 /var/lib/misc /var/log /var/cache /var/tmp
mkdir -m 777 /var/home
mkdir -p "$1"
mount --move /run/kept "$1"
rmdir /run/kept
chmod 777 /run
mount -t proc proc /proc
echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 192.168.77.1/24 dev v0 && ip link set v0 up && ip link set v1 up
ip -6 addr add fd77::1/64 dev v0 nodad
ip route add 10.99.0.0/16 via 192.168.77.2
ip rule add from 192.168.78.0/24 table 77
echo 'table inet machine { chain c { type filter hook forward priority 0; counter drop; }; }' | nft -f -
)";

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// What the kernel changes by itself, or only counts.
bool changes_by_itself(const std::string& path) {
  for (const char* each :
       {"/proc/sys/kernel/random/", "/proc/sys/fs/dentry-state", "/proc/sys/fs/inode-", "/proc/sys/fs/file-nr",
        "/proc/sys/fs/aio-nr", "/proc/sys/kernel/ns_last_pid", "/proc/sys/kernel/pty/nr", "/proc/sys/vm/",
        "/proc/sys/net/netfilter/nf_conntrack_count", "/proc/sys/kernel/sched_", "/proc/sys/fs/quota",
        "/proc/sys/fs/binfmt_misc", "/proc/sys/net/ipv4/tcp_fastopen_key", "/proc/sys/net/ipv4/route/flush",
        "/proc/sys/net/ipv6/route/flush", "/proc/sys/kernel/keys"}) {
    if (path.starts_with(each)) return true;
  }
  return false;
}

void add_settings(Snapshot& into) {
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto entry = fs::recursive_directory_iterator("/proc/sys", options, error);
       entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error) break;
    const std::string path = entry->path();
    if (entry->is_regular_file(error) && !changes_by_itself(path)) into[path] = contents(path);
  }
}

void add_files(Snapshot& into, const fs::path& folder) {
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto entry = fs::recursive_directory_iterator(folder, options, error);
       entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error) break;
    const std::string path = entry->path();
    // The build lies there, and writes coverage or nothing.
    if (path.starts_with(CRYPELAB_SOURCE) || std::string(CRYPELAB_SOURCE).starts_with(path)) {
      if (path == CRYPELAB_SOURCE) entry.disable_recursion_pending();
      continue;
    }
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) continue;
    into[path] = std::to_string(about.st_ino) + " " + std::to_string(about.st_mode) + " " +
                 std::to_string(about.st_uid) + " " + std::to_string(about.st_size) + " " +
                 std::to_string(about.st_mtim.tv_sec) + "." + std::to_string(about.st_mtim.tv_nsec);
  }
}

// For tests run by somebody who is not root: user_namespaces(7).
bool become_root_of_user_namespace(unsigned user, unsigned group) {
  const auto write = [](const char* path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    return file.good();
  };
  return write("/proc/self/setgroups", "deny") && write("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
         write("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

}  // namespace

void on_a_machine(Caller caller, const std::function<void()>& body) {
  struct Machine {
    Caller caller;
    const std::function<void()>* body;
    unsigned outer_user = ::geteuid();
    unsigned outer_group = ::getegid();
  } machine{caller, &body};
  std::fflush(nullptr);
  std::uint64_t namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  if (machine.outer_user != 0) namespaces |= CLONE_NEWUSER;
  const auto furnish = [](void* self) {
    const auto& given = *static_cast<Machine*>(self);
    if (given.outer_user != 0 && !become_root_of_user_namespace(given.outer_user, given.outer_group)) return 96;
    const auto made = run("/bin/sh", {"-c", kFurnish, "sh", CRYPELAB_SOURCE});
    if (made.status != 0) {
      std::fprintf(stderr, "the machine could not be made: %s\n", made.err.c_str());
      return 97;
    }
    if (given.outer_user == 0) kernel::testing::become(given.caller);
    ::setenv("HOME", kHome, 1);
    (*given.body)();
    std::fflush(nullptr);
    return ::testing::Test::HasFailure() ? 1 : 0;
  };
  auto process = kernel::clone_process(namespaces, furnish, &machine);
  ASSERT_TRUE(process) << "making the machine: " << std::strerror(errno);
  EXPECT_EQ(kernel::testing::exit_of(process.reap()), 0);
}

Snapshot snapshot() {
  Snapshot all;
  for (const char* command :
       {"ip -d link", "ip addr", "ip route show table all", "ip -6 route show table all", "ip rule", "ip -6 rule",
        "nft list ruleset", "ip neigh show nud permanent", "hostname", "umask", "ls /proc/sysvipc", "ipcs"}) {
    all[command] = shell(command).out;
  }
  all["mounts"] = contents("/proc/self/mountinfo");
  add_settings(all);
  for (const char* folder : {"/run", "/etc", "/var", "/dev/shm", "/tmp"}) add_files(all, folder);
  return all;
}

std::string difference(const Snapshot& before, const Snapshot& after) {
  std::string text;
  for (const auto& [name, value] : before) {
    const auto found = after.find(name);
    if (found == after.end()) {
      text += "gone: " + name + "\n";
    } else if (found->second != value) {
      text += "changed: " + name + "\n  from " + value + "\n  to   " + found->second + "\n";
    }
  }
  for (const auto& [name, value] : after) {
    if (!before.contains(name)) text += "new: " + name + " " + value + "\n";
  }
  return text;
}

bool alone(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG | __WALL) > 0) {
    }
    pid_t other = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") == std::string::npos && name != "1") other = std::stoi(name);
    }
    if (other == 0) return true;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, other, 0)));
    pollfd polled{process.get(), POLLIN, 0};
    if (process) ::poll(&polled, 1, static_cast<int>(left.count()));
  }
}

}  // namespace crypelab::test
