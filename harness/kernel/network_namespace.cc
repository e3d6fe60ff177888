#include "harness/kernel/network_namespace.h"

#include "harness/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

constexpr int kLoopback = 1;  // the first interface of every namespace

Descriptor open_current_namespace() {
  return checked(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
                 "open /proc/thread-self/ns/net (is /proc mounted in this PID namespace?)");
}

void go_back(const Descriptor& home) {
  if (::setns(home.get(), CLONE_NEWNET) == 0) return;
  std::perror("crypelab: cannot return to its own network namespace");
  std::abort();
}

[[noreturn]] void throw_no_namespace(int error) {
  if (error == ENOSPC || error == EUSERS) {
    throw Failure(
        Exit::os,
        "create a network namespace: the limit user.max_net_namespaces is reached; end other labs, or raise it");
  }
  if (error == EPERM) {
    throw Failure(
        Exit::privilege,
        "create a network namespace: CAP_SYS_ADMIN is missing; run as root, or allow unprivileged user namespaces");
  }
  throw_system_error("create a network namespace", error);
}

void write_sysctl(std::string_view path, std::string_view value) {
  const auto file = fmt::format("/proc/sys/{}", path);
  const auto what = fmt::format("set sysctl {} to {}", path, value);
  const Descriptor target(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!target) throw_errno(what);
  if (::write(target.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) throw_errno(what);
}

// IPv4 settings of a new namespace are copies of the outer machine's (net.core.devconf_inherit_init_net = 0), and
// distributions set rp_filter: a lab must not depend on that. IPv6 starts from the kernel's own defaults.
void make_quiet() {
  write_sysctl("net/ipv4/conf/all/rp_filter", "0");
  write_sysctl("net/ipv4/conf/default/rp_filter", "0");
  if (::access("/proc/sys/net/ipv6", F_OK) != 0) {
    throw Failure(Exit::unavailable,
                  "this kernel has no IPv6 (CONFIG_IPV6, or ipv6.disable=1 at boot); the lab needs it");
  }
  write_sysctl("net/ipv6/conf/default/accept_ra", "0");
  write_sysctl("net/ipv6/conf/default/accept_dad", "0");
  write_sysctl("net/ipv6/conf/default/addr_gen_mode", "1");  // IN6_ADDR_GEN_MODE_NONE
}

void raise_loopback(NetlinkSocket& route) {
  NetlinkMessage message(RTM_SETLINK, 0);
  ifinfomsg header{};
  header.ifi_index = kLoopback;
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  message.header(header);
  route.request(message, "raise lo");
}

}  // namespace

// The thread moves over and back: a process that is going to fork must not have a second one.
NetworkNamespace::NetworkNamespace() {
  const Descriptor home = open_current_namespace();
  if (::unshare(CLONE_NEWNET) != 0) throw_no_namespace(errno);
  try {
    descriptor_ = open_current_namespace();
    route_.emplace(NETLINK_ROUTE);
    make_quiet();
    raise_loopback(*route_);
  } catch (...) {
    go_back(home);
    throw;
  }
  go_back(home);
}

Descriptor NetworkNamespace::open_socket(int family, int type, int protocol) const {
  const InNamespace inside(*this);
  return checked(::socket(family, type | SOCK_CLOEXEC, protocol), "open a socket inside a network namespace");
}

void NetworkNamespace::sysctl(std::string_view path, std::string_view value) const {
  if (!path.starts_with("net/") || path.find("..") != std::string_view::npos) {
    throw Failure(Exit::software, fmt::format("{} is not a sysctl of a network namespace", path));
  }
  const InNamespace inside(*this);
  write_sysctl(path, value);
}

InNamespace::InNamespace(const NetworkNamespace& inside) : home_(open_current_namespace()) {
  if (::setns(inside.descriptor(), CLONE_NEWNET) != 0) throw_errno("enter a network namespace");
}

InNamespace::~InNamespace() { go_back(home_); }

void reserve_descriptors(std::size_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("read the limit of open files");
  if (limit.rlim_cur >= needed) return;
  if (limit.rlim_max < needed) {
    throw Failure(Exit::os,
                  fmt::format("this network needs {} open files and the hard limit is {}; raise it (ulimit -Hn, "
                              "LimitNOFILE= of the service, or /etc/security/limits.conf)",
                              needed, limit.rlim_max));
  }
  limit.rlim_cur = needed;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("raise the limit of open files");
}

}  // namespace crypelab::kernel
