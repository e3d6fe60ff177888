#pragma once

#include "clients/reference/call/phases.h"
#include "clients/reference/call/setup.h"
#include "clients/reference/datachannel/connection.h"
#include "clients/reference/event/reporter.h"
#include "clients/reference/ice/agent.h"
#include "clients/reference/measure/send_window.h"
#include "clients/reference/signaling/link.h"
#include "clients/reference/transport/gatherer.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace crypelab::client::call {

// One call, from the job to the end: signaling, ICE, data channels and the work joined. Everything happens in `pump`,
// which runs after anything that moved, and at the next time that something is due.
class Session final : transport::Gatherer::Listener,
                      signaling::Link::Listener,
                      datachannel::Connection::Output,
                      transport::DialObserver,
                      Phases::Output {
 public:
  Session(boost::asio::any_io_executor executor, const job::Job& job, event::Reporter reporter, Random& random);
  ~Session() override;

  // Until the call is over and everything is given back. The exit status of the contract.
  transport::Awaitable<int> run();
  // Ends the call soon.
  void stop(std::string reason);

 private:
  // session.cc: what moves it
  void pump();
  void stir();
  void wake(Time now);
  void arm();
  void take_agent_events(Time now);
  void take_connection_events(Time now);
  void finish(bool good, std::string reason);
  transport::Awaitable<void> leave();
  // transport::Gatherer::Listener
  void deliver(wire::Bytes packet) override;
  void stirred() override { stir(); }
  void told(const transport::RungReport& report) override;
  // datachannel::Connection::Output
  void send_datagram(wire::Bytes datagram) override;
  // transport::DialObserver
  void proxy_phase(const transport::ProxyPhase& phase) override;

  // session_signaling.cc: offers, answers, candidates
  void signaled(const signaling::Message& message) override;
  void link_open(std::string_view via, bool again) override;
  void link_lost(std::string_view via) override;
  void link_trouble(const transport::Trouble& trouble) override;
  void take_offer(const signaling::Message& message, Time now);
  void take_answer(const signaling::Message& message, Time now);
  void take_candidate(const signaling::Message& message, Time now);
  void take_refusal(const signaling::Message& message, Time now);
  bool take_description(const wire::SdpDescription& remote, Time now);
  void describe(signaling::Type type, Time now);
  void post(signaling::Message message);
  void tell_candidate(const wire::IceCandidate& candidate);

  // session_recovery.cc: what is wrong, and mending it
  void restart(std::string_view why, Time now);
  void request_restart(std::string_view why, Time now);
  void state_changed(ice::State state, Time now);
  void watch(Time now);
  void watch_addresses(Time now);
  void watch_silence(Time now);
  void lose_path(std::string_view why, Time now);
  void distrust_path(Time now);
  void left_by_peer(Time now);
  std::optional<Time> silent_since() const;
  void diagnose(Time now);
  transport::Trouble verdict() const;
  void report(const transport::Trouble& trouble, bool fatal);
  void ask_credentials(Time now);
  transport::Awaitable<void> renew_credentials();

  // session_work.cc: what goes over the data channels
  void channel_opened(const datachannel::Event& event, Time now);
  void received(const datachannel::Event& event, Time now);
  void take_control(const Control& control, Time now);
  void say_goodbye(Time now);
  bool send_control(const Control& control) override;
  bool send_data(job::Delivery delivery, wire::Bytes message) override;
  void echoed(const EchoResult& result) override;
  void measured(const ThroughputResult& result) override;
  void interrupted(const Gap& gap) override;
  void report_breakdown(Time now);

  struct Marks {  // when each step was reached
    std::optional<Time> link, described, gathered, selected, secure, connected;
  };

  boost::asio::any_io_executor executor_;
  job::Job job_;
  event::Reporter reporter_;
  Random& random_;
  bool caller_;
  transport::Resolver resolver_;
  transport::Dialer dialer_;
  datachannel::Certificate certificate_;
  std::unique_ptr<transport::Gatherer> gatherer_;
  std::unique_ptr<ice::Agent> agent_;
  std::unique_ptr<signaling::Link> link_;
  std::optional<datachannel::Connection> connection_;
  std::optional<wire::SdpFingerprint> peer_fingerprint_;
  Phases phases_;
  measure::SendWindow send_window_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer over_;
  std::optional<Time> armed_;
  bool stirred_ = false;
  bool pumping_ = false;

  std::deque<std::vector<std::uint8_t>> inbox_;  // datagrams for the connection
  std::uint64_t session_id_;
  std::uint64_t session_version_ = 0;
  std::vector<wire::IceCandidate> local_candidates_;  // of this generation
  bool candidates_ended_ = false;
  bool described_ = false;  // the peer knows this generation: candidates trickle
  unsigned open_offers_ = 0;
  std::optional<ice::Credentials> remote_;
  std::string remote_session_;  // of the answer or offer taken last
  wire::SdpSetup setup_ = wire::SdpSetup::actpass;

  std::optional<datachannel::ChannelId> control_channel_;
  std::map<job::Delivery, datachannel::ChannelId> data_channels_;
  std::set<datachannel::ChannelId> open_channels_;
  std::map<datachannel::ChannelId, job::Delivery> data_deliveries_;
  bool proof_sent_ = false;
  bool connected_ = false;
  bool leaving_ = false;  // `bye` was said over the data channel
  std::optional<Time> leave_by_;

  std::map<std::string, transport::RungReport> rungs_;
  std::optional<transport::Trouble> link_trouble_;
  std::set<std::string> reported_;
  bool diagnosed_ = false;
  std::optional<Time> last_restart_;
  std::optional<Time> path_lost_;
  unsigned restarts_in_vain_ = 0;  // since the path was lost
  std::optional<Time> selected_;   // when the path was, and what carries it on this side
  ice::RelayedOver carrier_ = ice::RelayedOver::none;
  std::optional<Time> doubted_;  // since when the path was silent that was doubted last
  bool wants_credentials_ = false;
  std::optional<Time> last_renewal_;
  std::vector<Address> addresses_;
  Time next_watch_{};
  unsigned selections_ = 0;

  Marks marks_;
  bool ended_ = false;
  bool good_ = false;
  std::string end_reason_;
};

}  // namespace crypelab::client::call
