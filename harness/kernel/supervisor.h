#pragma once

#include "harness/kernel/packet_socket.h"
#include "harness/kernel/pollable.h"

#include <chrono>
#include <functional>

#include <sys/types.h>

namespace crypelab::kernel {

// Under whom a program runs.
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
};

// What the body of a lab knows of its supervision.
class Supervised {
 public:
  Supervised(bool rootless, pid_t command, PacketSocket requests);

  // True when the lab lives in a user namespace of its own; only the caller's own uid and gid exist in it.
  bool rootless() const { return rootless_; }
  // Under whom the programs of host number `host` run. As root a uid of its own for each host, above 1,000,000,000,
  // made from the command's process id and so different in any two labs alive at once (up to 1024 hosts each); rootless
  // the caller's own.
  Identity identity(unsigned host) const;
  // Readable from the moment when the command is asked to end, and from then on: poll it wherever the body waits.
  int end_descriptor() const { return requests_.descriptor(); }
  // The signal that asked, or 0.
  int end_signal() const;

 private:
  bool rootless_;
  pid_t command_;
  PacketSocket requests_;
};

struct Supervision {
  // How long a body that was asked to end may take before everything is killed.
  std::chrono::milliseconds grace{10'000};
  Pollable* foreground = nullptr;  // what else the command does while the lab lives
};

// Runs `body` in a process of its own, below a first process that only reaps, in PID, mount, UTS, IPC and network
// namespaces of their own (and a user namespace when not root): nothing that the body starts, mounts or links outlives
// the calling command, not even when any of the three is killed at any instant. Mounts are private, /proc belongs to
// the new PID namespace.
//
// SIGINT, SIGTERM and SIGHUP to the command ask the body to end; the second, or the end of the grace, kills everything
// at once. Returns what the body returned, or 128 + signal when it had to be killed. A Failure thrown by the body is
// thrown here again. Failure{privilege} says what to do where namespaces are not allowed; Failure{software} when called
// by a process with threads, or when the lab's own processes were killed. Standard output and error of the body are the
// command's.
int supervise(const std::function<int(Supervised&)>& body, const Supervision& supervision = {});

}  // namespace crypelab::kernel
