#pragma once

#include "harness/kernel/host_view.h"
#include "harness/kernel/packet_socket.h"
#include "harness/kernel/pollable.h"
#include "harness/kernel/session_message.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace crypelab::kernel {

// Where a requested program is to run. `view` makes its terminal when it asks for one.
struct Seat {
  ProgramPlan plan;
  const HostView* view = nullptr;
};

// The lab's side of people in front of it: each connection asks for one program, gets its terminal or lends its own
// descriptors, and hears how it ended. A connection that goes away takes its program along: SIGHUP, and SIGKILL a
// second later.
class SessionServer : public Pollable {
 public:
  // `seat` decides; a Failure from it is told to whoever asked.
  explicit SessionServer(std::function<Seat(const SessionRequest&)> seat);
  ~SessionServer() override;

  void add(PacketSocket connection);  // closed at once when 32 are open
  std::size_t open() const { return sessions_.size(); }
  // How the program ended that ended last.
  const std::optional<ProgramStatus>& last_status() const { return last_; }
  void signal_all(int number);

  void want(std::vector<pollfd>& into) override;
  void ready() override;

 private:
  class Session;
  std::function<Seat(const SessionRequest&)> seat_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::optional<ProgramStatus> last_;
};

}  // namespace crypelab::kernel
