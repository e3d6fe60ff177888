#pragma once

#include "clients/reference/time.h"

#include <cstdint>
#include <map>
#include <optional>

namespace crypelab::client::datachannel {

class Sctp;

// usrsctp, of which there is one in a process: without threads, its timers driven from here. Associations are known to
// it by a number that is never used twice, so that what it still does for one that is gone leads nowhere.
class SctpStack {
 public:
  static SctpStack& instance();
  SctpStack(const SctpStack&) = delete;
  SctpStack& operator=(const SctpStack&) = delete;

  // Runs the timers of all associations that were due by `now`.
  void advance(Time now);
  // When to do so next; never without associations. usrsctp does not tell when its next timer is due.
  std::optional<Time> next() const;

 private:
  friend class Sctp;
  static constexpr Duration tick = 10ms;

  SctpStack();
  ~SctpStack() = default;  // usrsctp_finish would wait for associations that are still closing
  std::uintptr_t enter(Sctp& association);
  void leave(std::uintptr_t number);
  static int output(void* number, void* packet, std::size_t size, std::uint8_t tos, std::uint8_t set_df);

  std::map<std::uintptr_t, Sctp*> associations_;
  std::uintptr_t last_ = 0;
  Time advanced_{};
};

}  // namespace crypelab::client::datachannel
