#pragma once

#include "harness/base/descriptor.h"
#include "harness/kernel/supervisor.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::kernel {

// What the programs of one host see of a machine. Plain values; namespaces are borrowed descriptors.
struct HostViewPlan {
  std::string name;  // the host name
  Identity identity;
  int network = -1;  // network namespace of the host
  std::string resolv_conf;
  std::string hosts;
  std::string authorities;           // PEM certificates that this host trusts
  bool machine_authorities = false;  // ... besides those that the machine outside trusts
  // More files, absolute path to text, over what the machine has there. Programs may write those below the home folder
  // and the `writable` ones, and read the others.
  std::map<std::string, std::string> files;
  // Files and folders of the machine outside that are there to be read, at the same path. See `may_be_visible`.
  std::vector<std::string> visible;
  // Folders for the state of services, empty and in memory, as large as the temporary ones.
  std::vector<std::string> writable;
  std::uint64_t home_bytes = 512ULL << 20U;
  std::uint64_t temporary_bytes = 256ULL << 20U;
  std::uint64_t most_files = 100'000;  // in each of the folders that can be written
  bool tun = false;                    // /dev/net/tun is there, if the machine has it
};

// False for a path that would cover what a host has of its own: "/", "/etc", "/tmp", "/proc" and so on, and their
// parents.
bool may_be_visible(std::string_view path);

// One host's files: a mount namespace with a root of its own in memory, and nothing of the machine outside but /usr,
// /opt and what belongs to them, the harmless part of /etc, and what the plan makes visible, all read-only. /run, /tmp,
// /home and /dev are private; the sockets of the machine's resolver, name cache and message bus are out of reach. All
// programs of the host share it. No path of the machine is used to hold it. Throws Failure when the kernel refuses a
// mount.
class HostView {
 public:
  static constexpr std::string_view home = "/home/user";

  explicit HostView(const HostViewPlan& plan);

  int mounts() const { return mounts_.get(); }  // mount namespace
  // Replaces a file in one step, its folder must be there; programs that may only read the view see it change.
  void write(const std::string& path, std::string_view text, unsigned mode = 0644) const;
  // A regular file as the programs see it, for reading; no link that a program placed leads out of the view.
  Descriptor open(const std::string& path) const;

  struct Terminal {
    Descriptor master;
    Descriptor slave;  // owned by the host's identity
  };
  Terminal open_terminal() const;

 private:
  Identity identity_;
  Descriptor mounts_;
  Descriptor files_;  // all of the view, without the read-only flag of its root
};

// The views of these plans, in their order, built side by side: most of it is waiting for the kernel. Throws Failure.
std::vector<HostView> build_views(const std::vector<HostViewPlan>& plans);

}  // namespace crypelab::kernel
