#pragma once

#include "clients/reference/call/control.h"
#include "clients/reference/call/gap_watch.h"
#include "clients/reference/measure/arrivals.h"
#include "clients/reference/measure/distribution.h"
#include "clients/reference/measure/test_message.h"
#include "clients/reference/time.h"

#include <deque>
#include <optional>
#include <vector>

namespace crypelab::client::call {

struct EchoResult {
  std::uint64_t sent = 0;
  const measure::Distribution& round_trips;
};
struct ThroughputResult {
  bool sending = false;
  std::uint64_t sent = 0;
  Report report;
};

// One phase under way.
struct Phase {
  std::uint16_t number = 0;
  job::Work work;
  Time began{};
  std::uint64_t sent = 0;
  Time next_send{};
  bool sending = false;
  std::optional<std::uint64_t> peer_sent;  // it has ended
  bool reported = false;                   // to the peer
  std::optional<Report> report;            // of the peer
  Time ended{};                            // own sending
  measure::Arrivals arrivals;
  measure::Distribution round_trips;
  std::uint64_t echoes = 0;
  std::optional<GapWatch> gaps;
  std::optional<Time> down;
};

// The work of one call: the caller says which phase begins, both send and count. Told the time and what arrives; the
// callee does as it is told, and echoes.
class Phases {
 public:
  class Output {
   public:
    virtual ~Output() = default;
    // From within the functions of this class; must not call back into it. False: later.
    virtual bool send_control(const Control& control) = 0;
    virtual bool send_data(job::Delivery delivery, wire::Bytes message) = 0;
    virtual void echoed(const EchoResult& result) = 0;
    virtual void measured(const ThroughputResult& result) = 0;
    virtual void interrupted(const Gap& gap) = 0;
  };

  // `work` is the caller's; a callee does what it is told.
  Phases(bool caller, std::vector<job::Work> work, Output& out);

  // The proofs are exchanged.
  void start(Time now);
  void control(const Control& control, Time now);
  void data(wire::Bytes message, job::Delivery delivery, Time now);
  void wake(Time now);
  std::optional<Time> next() const;
  // Whether something waits for room to be sent: `wake` after every packet.
  bool blocked() const { return blocked_; }

  void path_changed(Recovery how);
  // In a hold with traffic: when something arrived last. The peer sends many times a second.
  std::optional<Time> last_arrival() const;
  // A gap in a silent hold is what the path says.
  void path_down(Time now);
  void path_up(Time now);

  // Caller: everything was done. A callee is done when it is told.
  bool done() const { return done_; }
  // A gap was longer than `max_gap`.
  bool failed() const { return failed_; }

 private:
  enum class Step { idle, asking, running, draining };
  void tell(Control control);
  void flush();
  void begin_next(Time now);
  void run(Time now);
  void send_due(Time now);
  bool send_one(Time now, measure::Kind kind, std::uint32_t size, job::Delivery delivery);
  void stop_sending(Time now);
  void watch_end(Time now);
  void report_if_complete(Time now);
  void finish(Time now);
  void note(const std::optional<Gap>& gap);
  bool awaits_stream() const;

  bool caller_;
  std::vector<job::Work> work_;
  Output& out_;
  std::size_t next_work_ = 0;
  Step step_ = Step::idle;
  std::optional<Phase> phase_;
  std::deque<Control> unsent_;
  std::deque<std::pair<job::Delivery, std::vector<std::uint8_t>>> echoes_;
  std::vector<std::uint8_t> buffer_;
  bool blocked_ = false;
  bool done_ = false;
  bool failed_ = false;
};

}  // namespace crypelab::client::call
