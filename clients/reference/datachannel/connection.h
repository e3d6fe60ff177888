#pragma once

#include "clients/reference/datachannel/dtls.h"
#include "clients/reference/datachannel/sctp.h"

#include <deque>
#include <map>
#include <optional>
#include <string>

namespace crypelab::client::datachannel {

using ChannelId = std::uint16_t;  // the SCTP stream, both ways (RFC 8832 §6)

struct Event {
  enum class Kind {
    secure,          // the DTLS handshake is over
    up,              // the SCTP association stands
    channel_open,    // `channel` with `settings`: asked for by `open`, or by the peer
    message,         // `data` came over `channel`
    channel_closed,  // the peer closed it
    failed,          // nothing works any more: `reason`
    closed,          // the peer said goodbye
  };
  Kind kind = Kind::up;
  ChannelId channel = 0;
  ChannelSettings settings;
  bool text = false;
  std::vector<std::uint8_t> data;
  std::string reason;
};

// Data channels with one peer (RFC 8831): SCTP over DTLS over what carries datagrams. Told the time; after each call
// `poll` until it gives nothing.
class Connection final : private Sctp::Output {
 public:
  class Output {
   public:
    virtual ~Output() = default;
    // From within the functions of this class; must not call back into it.
    virtual void send_datagram(wire::Bytes datagram) = 0;
  };
  struct Settings {
    Dtls::Settings dtls;
    Sctp::Settings sctp;
  };
  static constexpr std::size_t most_channels = 64;

  Connection(const Settings& settings, const Certificate& certificate, Output& out);

  // The path stands: the active side begins.
  void start(Time now);
  void receive(wire::Bytes datagram, Time now);
  void wake(Time now);
  std::optional<Time> next() const;

  // Opens a channel, now or as soon as the association stands; data may follow `channel_open` at once.
  ChannelId open(const ChannelSettings& settings);
  // False when it cannot be taken now, because more than `room` bytes wait: try again after something was received, or
  // after a wake-up.
  bool send(ChannelId channel, wire::Bytes message, bool text, std::uint64_t room = Sctp::most_room);
  // Says goodbye.
  void close();

  std::optional<Event> poll();
  bool up() const { return sctp_ && sctp_->state() == Sctp::State::up; }

 private:
  struct Channel {
    ChannelSettings settings;
    bool asked = false;         // the peer was told
    bool acknowledged = false;  // until then everything is ordered (RFC 8832 §6)
    bool opened_here = false;
  };

  void sctp_packet(wire::Bytes packet) override;
  void flush();
  void pump(Time now);
  void announce();
  void take(Sctp::Message message);
  void take_control(const Sctp::Message& message);
  Event& event(Event::Kind kind);

  Settings settings_;
  Output& out_;
  Dtls dtls_;
  std::optional<Sctp> sctp_;
  bool told_up_ = false;
  bool told_end_ = false;
  std::map<ChannelId, Channel> channels_;
  std::deque<Event> events_;
};

}  // namespace crypelab::client::datachannel
