#include "harness/lab/machine.h"

#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/flows.h"
#include "harness/kernel/network_namespace.h"
#include "harness/kernel/rule_set.h"
#include "harness/kernel/supervisor.h"
#include "harness/kernel/token_bucket.h"
#include "harness/kernel/user_namespace_policy.h"

#include <cstdlib>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

using State = Finding::State;

Finding kernel_version() {
  utsname name{};
  uname(&name);
  int major = 0;
  int minor = 0;
  if (std::sscanf(name.release, "%d.%d", &major, &minor) == 2 && (major > 5 || (major == 5 && minor >= 12))) {
    return {"kernel", State::there, name.release, ""};
  }
  return {"kernel", State::missing, fmt::format("{} is older than 5.12", name.release),
          "run a kernel of 5.12 or newer"};
}

Finding descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max >= 4096) return {"open files", State::there, fmt::format("at most {}", limit.rlim_max), ""};
  return {"open files", State::limited, fmt::format("at most {}: enough for small labs only", limit.rlim_max),
          "ulimit -Hn 65536   (as root, or in /etc/security/limits.conf)"};
}

Finding program(const std::string& name, const std::string& package, State without, const std::string& use) {
  if (const auto path = find_program(name)) return {name, State::there, *path, ""};
  return {name, without, "not installed; " + use, "apt-get install " + package};
}

Finding tunnel_device() {
  if (Descriptor(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)))
    return {"/dev/net/tun", State::there, "may be opened", ""};
  if (access("/dev/net/tun", F_OK) != 0) {
    return {"/dev/net/tun", State::limited, "is not there; NAT64 needs it", "modprobe tun"};
  }
  return {"/dev/net/tun", State::limited, "may not be opened by this user; NAT64 needs it",
          "sudo chmod 666 /dev/net/tun"};
}

// What can only be known by trying, inside a lab.
struct Trial {
  const char* what;
  const char* detail;
  void (*run)(const kernel::NetworkNamespace& a, const kernel::NetworkNamespace& b);
};

const Trial kTrials[] = {
    {"network namespaces", "can be made", [](const kernel::NetworkNamespace&, const kernel::NetworkNamespace&) {}},
    {"veth", "a cable between two namespaces",
     [](const kernel::NetworkNamespace& a, const kernel::NetworkNamespace& b) {
       kernel::Cable({a, "t0", {2, 0, 0, 0, 0, 1}}, {b, "t0", {2, 0, 0, 0, 0, 2}}).raise();
     }},
    {"bridge", "with isolated ports",
     [](const kernel::NetworkNamespace& a, const kernel::NetworkNamespace& b) {
       kernel::Cable cable({a, "t1", {2, 0, 0, 0, 0, 3}}, {b, "t1", {2, 0, 0, 0, 0, 4}});
       cable.first().join(kernel::make_bridge(a, "b1", {2, 0, 0, 0, 0, 5}));
       cable.first().set_isolated(true);
     }},
    {"nf_tables", "NAT, reject, numgen, named counters",
     [](const kernel::NetworkNamespace& a, const kernel::NetworkNamespace&) {
       kernel::load_rules(a,
                          "table inet trial {\n counter c {}\n"
                          " chain n {\n type nat hook postrouting priority srcnat;\n"
                          " oifname \"x\" meta nfproto ipv4 masquerade fully-random\n }\n"
                          " chain f {\n type filter hook forward priority filter;\n ct state established accept\n"
                          " numgen inc mod 8 3 counter name c reject with icmpx admin-prohibited\n }\n}\n");
     }},
    {"connection tracking", "can be forgotten",
     [](const kernel::NetworkNamespace& a, const kernel::NetworkNamespace&) { kernel::forget_flows(a); }},
    {"token bucket", "shapes a link",
     [](const kernel::NetworkNamespace& a, const kernel::NetworkNamespace& b) {
       kernel::Cable cable({a, "t2", {2, 0, 0, 0, 0, 6}}, {b, "t2", {2, 0, 0, 0, 0, 7}});
       kernel::TokenBucket bucket(cable.first(), kernel::shaping_for(BitRate{1'000'000}));
     }},
};

// Findings of a lab made for the purpose; they cross from its process as lines on a pipe.
std::vector<Finding> try_kernel() {
  std::vector<Finding> findings;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
  Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  try {
    kernel::supervise([&](kernel::Supervised&) {
      const kernel::NetworkNamespace a;
      const kernel::NetworkNamespace b;
      for (const auto& trial : kTrials) {
        std::string line = "\n";
        try {
          trial.run(a, b);
        } catch (const Failure& failure) {
          line = failure.what();
          for (auto& c : line) c = c == '\n' ? ' ' : c;
          line = line.substr(0, 400) + "\n";
        }
        if (write(writing.get(), line.data(), line.size()) < 0) return 1;
      }
      return 0;
    });
  } catch (const Failure& failure) {
    return {{"namespaces", State::missing, failure.what(),
             "run as root, or allow user namespaces (the line above says how)"}};
  }
  writing.close();
  std::string text;
  char chunk[4096];
  for (ssize_t n = 0; (n = read(reading.get(), chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<std::size_t>(n));
  std::size_t at = 0;
  for (const auto& trial : kTrials) {
    const auto end = text.find('\n', at);
    if (end == std::string::npos) break;
    const std::string words = text.substr(at, end - at);
    at = end + 1;
    if (words.empty()) {
      findings.push_back({trial.what, State::there, trial.detail, ""});
    } else {
      findings.push_back({trial.what, State::missing, words, "run a kernel that has it built in or as a module"});
    }
  }
  return findings;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  std::string folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  if (const char* path = std::getenv("PATH")) folders += ":" + std::string(path);
  std::size_t at = 0;
  while (at <= folders.size()) {
    const auto end = std::min(folders.find(':', at), folders.size());
    const std::string candidate = folders.substr(at, end - at) + "/" + name;
    std::error_code error;
    if (access(candidate.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(candidate, error)) return candidate;
    at = end + 1;
  }
  return std::nullopt;
}

std::string missing_program(const services::Process& plan) {
  const auto& name = plan.argv.front();
  if (!plan.package.empty()) {
    return fmt::format("{} needs the program {}, which is not installed; install it with: apt-get install {}",
                       plan.name, name, plan.package);
  }
  return fmt::format("{} is to be {}, which {}", plan.name, name,
                     name.find('/') == std::string::npos ? "is no program in PATH"
                     : access(name.c_str(), F_OK) != 0   ? "is not there"
                                                         : "may not be run (is it executable?)");
}

std::string own_folder() {
  const auto own = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto sibling = own.parent_path() / "bin";
  // Test programs lie beside the folder of the programs.
  return std::filesystem::exists(own / "crypelab-probe") || !std::filesystem::exists(sibling) ? own : sibling;
}

std::vector<Finding> examine_machine() {
  std::vector<Finding> findings;
  findings.push_back(kernel_version());
  findings.push_back(program("nft", "nftables", State::missing, "every lab needs it"));
  if (geteuid() == 0) {
    findings.push_back({"user", State::there, "root", ""});
  } else if (const auto forbidden = kernel::why_forbidden(kernel::read_user_namespace_policy())) {
    findings.push_back({"user", State::missing, "not root, and user namespaces are not allowed", *forbidden});
  } else {
    findings.push_back({"user", State::there, fmt::format("uid {}, in a user namespace", geteuid()), ""});
  }
  for (auto& finding : try_kernel()) findings.push_back(std::move(finding));
  findings.push_back(program("dnsmasq", "dnsmasq-base", State::missing, "every lab's names come from it"));
  findings.push_back(program("turnserver", "coturn", State::missing, "every lab's TURN servers are it"));
  findings.push_back(program("unbound", "unbound", State::limited, "sites with dns64 need it"));
  findings.push_back(program("tayga", "tayga", State::limited, "sites with nat64 need it"));
  findings.push_back(program("squid", "squid-openssl", State::limited, "sites with a proxy need it"));
  findings.push_back(program("haproxy", "haproxy", State::limited, "sites with tls-relay need it"));
  findings.push_back(program("danted", "dante-server", State::limited, "sites with socks need it"));
  findings.push_back(program("krb5kdc", "krb5-kdc", State::limited, "proxies with negotiate need it"));
  findings.push_back(program("kinit", "krb5-user", State::limited, "clients with a ticket need it"));
  findings.push_back(tunnel_device());
  findings.push_back(descriptors());
  return findings;
}

}  // namespace crypelab::lab
