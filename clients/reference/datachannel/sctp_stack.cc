#include "clients/reference/datachannel/sctp_stack.h"

#include "clients/reference/datachannel/sctp.h"

#include <usrsctp.h>

namespace crypelab::client::datachannel {

SctpStack& SctpStack::instance() {
  static SctpStack stack;
  return stack;
}

SctpStack::SctpStack() {
  usrsctp_init_nothreads(0, output, nullptr);
  // Extensions that RFC 8831 §4 does not want, and that would only make messages larger.
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_sysctl_set_sctp_asconf_enable(0);
  usrsctp_sysctl_set_sctp_auth_enable(0);
  usrsctp_sysctl_set_sctp_auto_asconf(0);
  usrsctp_sysctl_set_sctp_nr_incoming_streams_default(1'024);
  usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(64);
  usrsctp_sysctl_set_sctp_sendspace(Sctp::most_room);
  usrsctp_sysctl_set_sctp_recvspace(1U << 20U);
  // For calls rather than for bulk transfer over SCTP's own paths: a lost packet is missed for 200 ms, not a second.
  usrsctp_sysctl_set_sctp_rto_min_default(200);
  usrsctp_sysctl_set_sctp_rto_initial_default(1'000);
  usrsctp_sysctl_set_sctp_rto_max_default(10'000);
  usrsctp_sysctl_set_sctp_init_rto_max_default(10'000);
  usrsctp_sysctl_set_sctp_delayed_sack_time_default(20);
  usrsctp_sysctl_set_sctp_max_burst_default(10);
  // ICE watches the path and decides when it is lost; SCTP must outlive a restart.
  usrsctp_sysctl_set_sctp_heartbeat_interval_default(30'000);
  usrsctp_sysctl_set_sctp_assoc_rtx_max_default(30);
  usrsctp_sysctl_set_sctp_path_rtx_max_default(30);
}

void SctpStack::advance(Time now) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - advanced_);
  if (associations_.empty() || elapsed < tick) return;
  advanced_ += elapsed;
  usrsctp_handle_timers(static_cast<std::uint32_t>(std::min(elapsed, std::chrono::milliseconds(60'000)).count()));
}

std::optional<Time> SctpStack::next() const {
  if (associations_.empty()) return std::nullopt;
  return advanced_ + tick;
}

std::uintptr_t SctpStack::enter(Sctp& association) {
  if (associations_.empty()) advanced_ = Time::clock::now();
  associations_[++last_] = &association;
  usrsctp_register_address(reinterpret_cast<void*>(last_));
  return last_;
}

void SctpStack::leave(std::uintptr_t number) {
  usrsctp_deregister_address(reinterpret_cast<void*>(number));
  associations_.erase(number);
}

int SctpStack::output(void* number, void* packet, std::size_t size, std::uint8_t, std::uint8_t) {
  auto& known = instance().associations_;
  const auto found = known.find(reinterpret_cast<std::uintptr_t>(number));
  if (found == known.end()) return 0;
  found->second->out_.sctp_packet({static_cast<const std::uint8_t*>(packet), size});
  return 0;
}

}  // namespace crypelab::client::datachannel
