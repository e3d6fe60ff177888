#include "harness/kernel/host_root.h"

#include "harness/base/error.h"
#include "harness/kernel/host_etc.h"
#include "harness/kernel/mount.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

namespace fs = std::filesystem;

const fs::path machine = "/.outside";  // the machine's root while the view is being built
const fs::path machine_etc = "/etc/.machine";
constexpr unsigned long quiet = MS_NOSUID | MS_NODEV;
constexpr std::uint64_t harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

fs::path outside(const fs::path& path) { return machine / path.relative_path(); }

void make_empty_file(const fs::path& path) {
  if (!std::ofstream(path)) throw_errno("making " + path.string());
}

void enter_new_root() {
  // /tmp is there on every machine; what is mounted over it in this namespace is seen by nobody.
  mount_tmpfs("/tmp", {.bytes = 32ULL << 20U, .files = 20'000}, quiet);
  fs::create_directory("/tmp/.outside");
  if (::chdir("/tmp") < 0 || ::syscall(SYS_pivot_root, ".", "./.outside") < 0 || ::chdir("/") < 0)
    throw_errno("entering the host's root");
}

void show_system() {
  for (const char* name : {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "gnu"}) {
    const fs::path source = machine / name, target = fs::path("/") / name;
    const auto status = fs::symlink_status(source);
    if (fs::is_symlink(status)) {
      fs::create_symlink(fs::read_symlink(source), target);
    } else if (fs::is_directory(status)) {
      fs::create_directory(target);
      bind_read_only(source, target, harmless);
    }
  }
}

void make_devices(bool tun) {
  fs::create_directory("/dev");
  mount_tmpfs("/dev", {.bytes = 1U << 20U, .files = 1000}, MS_NOSUID | MS_NOEXEC);
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    const fs::path target = fs::path("/dev") / name;
    make_empty_file(target);
    bind_read_only(machine / "dev" / name, target, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  }
  if (tun && fs::exists(machine / "dev/net/tun")) {
    fs::create_directory("/dev/net");
    // Root makes a device of the host's own, which its programs may open; the machine's is often root's alone.
    if (::mknod("/dev/net/tun", S_IFCHR, makedev(10, 200)) == 0) {
      if (::chmod("/dev/net/tun", 0666) != 0) throw_errno("/dev/net/tun");
    } else {
      make_empty_file("/dev/net/tun");
      bind_read_only(machine / "dev/net/tun", "/dev/net/tun", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    }
  }
  fs::create_directory("/dev/shm");
  fs::create_directory("/dev/pts");
  mount_new("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,max=128");
  fs::create_symlink("pts/ptmx", "/dev/ptmx");
  fs::create_symlink("/proc/self/fd", "/dev/fd");
  fs::create_symlink("/proc/self/fd/0", "/dev/stdin");
  fs::create_symlink("/proc/self/fd/1", "/dev/stdout");
  fs::create_symlink("/proc/self/fd/2", "/dev/stderr");
}

void show_kernel() {
  // Both need their counterpart of the machine's still to be in this namespace (the kernel's mount_too_revealing()).
  // The /proc of the lab stays below the one that each program gets for its own PID namespace, for the same reason.
  fs::create_directory("/proc");
  mount_new("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  fs::create_directory("/sys");
  mount_new("sysfs", "/sys", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
}

void make_private_folders(const HostViewPlan& plan) {
  const Tmpfs own{plan.temporary_bytes, plan.most_files, 0755, plan.identity};
  const Tmpfs shared{plan.temporary_bytes, plan.most_files, 01777, {}};
  for (const char* name : {"/tmp", "/run", "/home", "/var", "/var/lib", "/var/log", "/var/cache"})
    fs::create_directory(name);
  mount_tmpfs("/tmp", shared, quiet);
  fs::create_symlink("/tmp", "/var/tmp");
  mount_tmpfs("/run", own, quiet);
  fs::create_symlink("/run", "/var/run");
  fs::create_directory(HostView::home);
  Tmpfs home = own;
  home.bytes = plan.home_bytes;
  home.mode = 0700;
  mount_tmpfs(std::string(HostView::home), home, quiet);
  for (const std::string& folder : plan.writable) {
    fs::create_directories(folder);
    mount_tmpfs(folder, own, quiet);
  }
}

void hide(const fs::path& path) {
  const bool folder = fs::is_directory(fs::symlink_status(path));
  bind_read_only(folder ? "/etc/.nothing/folder" : "/etc/.nothing/file", path, harmless);
}

void show_etc() {
  fs::create_directory("/etc");
  fs::create_directories("/etc/.nothing/folder");
  make_empty_file("/etc/.nothing/file");
  fs::create_directory(machine_etc);
  bind_read_only(machine / "etc", machine_etc, harmless | MOUNT_ATTR_NOEXEC);
  for (const auto& entry : fs::directory_iterator(machine_etc)) {
    const fs::path name = entry.path().filename(), target = "/etc" / name;
    const bool link = entry.is_symlink();
    if (hidden_etc_names().contains(name.string())) {
      if (!link) hide(entry.path());
    } else {
      fs::create_symlink(link ? fs::read_symlink(entry.path()) : ".machine" / name, target);
    }
  }
  fs::create_symlink("/proc/self/mounts", "/etc/mtab");
}

// Makes `folder` one of the view's own: where a link shows the machine's, a folder of links to what that holds takes
// its place.
void own_folder(const fs::path& folder) {
  if (folder == "/" || folder.empty()) return;
  own_folder(folder.parent_path());
  const auto status = fs::symlink_status(folder);
  if (!fs::exists(status)) {
    fs::create_directory(folder);
  } else if (fs::is_symlink(status) && folder.string().starts_with("/etc/")) {
    const fs::path shown = fs::weakly_canonical(folder);
    fs::remove(folder);
    fs::create_directory(folder);
    if (!fs::is_directory(shown)) return;
    for (const auto& entry : fs::directory_iterator(shown))
      fs::create_symlink(entry.path(), folder / entry.path().filename());
  }
}

void write_file(const HostViewPlan& plan, const std::string& path, const std::string& text) {
  const fs::path target = path;
  if (!target.is_absolute() || !target.has_filename() || target.lexically_normal() != target)
    throw Failure(Exit::software, "not a path of a file: " + path);
  own_folder(target.parent_path());
  if (fs::is_symlink(fs::symlink_status(target))) fs::remove(target);
  std::ofstream file(target, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw_errno("writing " + path);
  // Below a folder that the programs may write, what is put there is theirs, folders on the way included.
  std::vector<std::string> theirs = plan.writable;
  theirs.emplace_back(HostView::home);
  for (const std::string& folder : theirs) {
    for (fs::path at = target; at.string().starts_with(folder + "/"); at = at.parent_path()) {
      if (::lchown(at.c_str(), plan.identity.user, plan.identity.group) < 0) throw_errno("giving away " + at.string());
    }
  }
}

void show_path(const std::string& path, const fs::path& source) {
  // Already there, as part of /usr and the like.
  if (fs::exists(path)) return;
  if (fs::is_directory(source)) {
    fs::create_directories(path);
  } else {
    fs::create_directories(fs::path(path).parent_path());
    make_empty_file(path);
  }
  bind_read_only(source, path, harmless);
}

}  // namespace

void build_host_root(const HostViewPlan& plan) {
  std::vector<std::pair<std::string, fs::path>> visible;
  for (const std::string& path : plan.visible) {
    if (!may_be_visible(path))
      throw Failure(Exit::usage, path + " cannot be shown to a program in the lab: a host has its own");
    visible.emplace_back(path, fs::canonical(path));
  }
  std::map<std::string, std::string> files = own_etc_files(plan);
  for (const auto& [path, text] : plan.files) files[path] = text;

  enter_new_root();
  show_system();
  show_kernel();
  make_devices(plan.tun);
  make_private_folders(plan);
  show_etc();
  for (const auto& [path, text] : files) write_file(plan, path, text);
  for (const auto& [path, source] : visible) show_path(path, outside(source));
  if (::umount2(machine.c_str(), MNT_DETACH) < 0) throw_errno("leaving the machine's root");
  fs::remove(machine);
}

void seal_host_root() {
  make_read_only("/dev");
  make_read_only("/");
}

}  // namespace crypelab::kernel
