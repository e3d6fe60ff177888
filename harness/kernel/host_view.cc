#include "harness/kernel/host_view.h"

#include "harness/base/error.h"
#include "harness/kernel/host_etc.h"
#include "harness/kernel/host_root.h"
#include "harness/kernel/side_by_side.h"

#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

// Never out of `root`, whatever links a program has placed on the way.
Descriptor open_inside(const Descriptor& root, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return checked(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)), path.c_str());
}

}  // namespace

bool may_be_visible(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.find("/../") != std::string_view::npos || path.ends_with("/.."))
    return false;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/") return false;
  for (const std::string_view own : {"/etc", "/dev", "/proc", "/sys", "/run", "/tmp", "/var/tmp", "/home/user"}) {
    if (path == own) return false;
    if (own.starts_with(path) && own[path.size()] == '/') return false;
  }
  // What belongs to the kernel, to users and services as such, or is written by the lab itself.
  for (const std::string_view own : {"/etc/", "/dev/", "/proc/", "/sys/", "/run/"}) {
    if (path.starts_with(own)) return false;
  }
  return true;
}

HostView::HostView(const HostViewPlan& plan) : identity_(plan.identity) {
  // A thread can leave the mount namespace of its process, and may do everything that a forked child may not.
  std::exception_ptr failure;
  std::thread builder([&] {
    try {
      if (::unshare(CLONE_FS | CLONE_NEWNS) < 0) throw_errno("making a mount namespace");
      if (plan.network >= 0 && ::setns(plan.network, CLONE_NEWNET) < 0) throw_errno("entering the host's network");
      ::umask(022);
      build_host_root(plan);
      files_ = checked(::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
                       "keeping the host's files");
      seal_host_root();
      mounts_ = checked(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC), "keeping the host's mount namespace");
    } catch (...) {
      failure = std::current_exception();
    }
  });
  builder.join();
  if (failure) std::rethrow_exception(failure);
}

void HostView::write(const std::string& path, std::string_view text, unsigned mode) const {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size())
    throw Failure(Exit::software, "not a path of a file: " + path);
  const Descriptor folder = open_inside(files_, slash == 0 ? "/" : path.substr(0, slash), O_PATH | O_DIRECTORY);
  const std::string name = path.substr(slash + 1), fresh = "." + name + ".new";
  ::unlinkat(folder.get(), fresh.c_str(), 0);
  const Descriptor file = checked(
      ::openat(folder.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), path.c_str());
  while (!text.empty()) {
    const ssize_t size = ::write(file.get(), text.data(), text.size());
    if (size < 0) throw_errno("writing " + path);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  if (::fchmod(file.get(), mode) < 0 || ::renameat(folder.get(), fresh.c_str(), folder.get(), name.c_str()) < 0)
    throw_errno("writing " + path);
}

Descriptor HostView::open(const std::string& path) const {
  Descriptor file = open_inside(files_, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (::fstat(file.get(), &status) < 0 || !S_ISREG(status.st_mode))
    throw Failure(Exit::data, path + " is not a regular file");
  return file;
}

HostView::Terminal HostView::open_terminal() const {
  Terminal terminal;
  terminal.master = open_inside(files_, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
  int unlocked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) < 0) throw_errno("unlocking a terminal");
  terminal.slave =
      checked(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC), "opening a terminal");
  if (::fchown(terminal.slave.get(), identity_.user, identity_.group) < 0) throw_errno("giving a terminal to its host");
  return terminal;
}

std::vector<HostView> build_views(const std::vector<HostViewPlan>& plans) {
  std::vector<std::optional<HostView>> built(plans.size());
  side_by_side(plans.size(), [&](std::size_t number) { built[number].emplace(plans[number]); });
  std::vector<HostView> views;
  views.reserve(plans.size());
  for (auto& view : built) views.push_back(std::move(*view));
  return views;
}

}  // namespace crypelab::kernel
