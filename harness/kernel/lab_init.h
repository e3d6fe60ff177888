#pragma once

#include "harness/kernel/supervisor.h"

#include <csignal>

namespace crypelab::kernel {

// What the lab's processes tell the command, followed by a text.
struct LabReport {
  enum class Kind : int {
    none,
    refused,  // value: errno of a step of the set-up
    failure,  // value: Exit of a Failure that the body threw
    ended,    // value: wait status of the supervisor
  };
  Kind kind = Kind::none;
  int value = 0;
};

// What the first process of a lab needs to know. The sockets are the command's objects as this copy of its memory has
// them: `reports` and `requests` are the command's own ends and are closed here, so that their end means that the
// command is gone.
struct LabInit {
  const std::function<int(Supervised&)>& body;
  pid_t command;
  uid_t user;
  gid_t group;
  bool rootless;
  sigset_t mask;
  PacketSocket* reports;
  PacketSocket* reporter;
  PacketSocket* requests;
  PacketSocket* requested;
};

// PID 1 of the lab (`plan` is a LabInit): sets the namespaces up, starts the supervisor, and then only reaps. It ends,
// and the kernel ends everything in its PID namespace, when the supervisor ends or the command does. It runs nothing
// else because whoever calls waitpid(-1) beside a library that waits for its own children makes that library lose their
// exit status.
int run_lab_init(void* plan);

}  // namespace crypelab::kernel
