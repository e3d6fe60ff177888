#pragma once

#include "harness/kernel/packet_socket.h"
#include "harness/kernel/pollable.h"
#include "harness/kernel/session_message.h"
#include "harness/kernel/terminal.h"

#include <array>
#include <optional>

namespace crypelab::kernel {

// A person's side: asks a lab for one program and connects it with this command's standard descriptors; with its
// terminal when both `input` and `output` are one. For the command that runs the lab it is the `foreground` of
// supervise(); an attached one calls run().
class SessionClient : public Pollable {
 public:
  // Sends the request; `request.terminal`, its type and its size are filled in here. Descriptors are borrowed.
  SessionClient(PacketSocket lab, SessionRequest request, std::array<int, 3> standard = {0, 1, 2});

  // Waits for the program's end and passes signals on. Its exit status as a shell gives it, 128 + SIGHUP when the
  // terminal or the lab went away. Throws the Failure with which the lab refused.
  int run();
  const std::optional<ProgramStatus>& status() const { return status_; }
  // Whether the lab has said anything: one that is just ending accepts a connection and does not.
  bool answered() const { return answered_; }

  void want(std::vector<pollfd>& into) override;
  void ready() override;

 private:
  void take(const SessionNews& news, Packet& packet);

  PacketSocket lab_;
  std::optional<Terminal> terminal_;
  std::optional<ProgramStatus> status_;
  bool answered_ = false;
};

}  // namespace crypelab::kernel
