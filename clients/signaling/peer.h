#pragma once

#include "clients/signaling/desk.h"
#include "clients/signaling/tls_stream.h"

#include <array>
#include <deque>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace crypelab::signaling {

// One WebSocket: a peer in a room. What it has not read yet waits in the room, not here: a slow reader costs nothing.
class Peer final : public Listener {
 public:
  Peer(Desk& desk, Guest& guest, TlsStream stream, std::string name, std::string room, std::uint64_t after);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Answers the upgrade, then speaks until the connection ends.
  boost::asio::awaitable<void> run(const boost::beast::http::request<boost::beast::http::empty_body>& request);

  void wake() override { pump_soon(); }
  void supersede() override;

 private:
  void join();
  void take(std::string_view piece, bool last);
  void handle(std::string_view text);
  void say(const Refusal& refusal);
  // Writes when all that has arrived by now has been dealt with: what is to be told then goes out together.
  void pump_soon();
  void pump();
  bool keep_next();
  void leave(std::uint16_t code, std::string_view reason);
  void operation_done();
  std::string_view end_reason(boost::system::error_code error) const;

  Desk& desk_;
  Guest& guest_;
  boost::beast::websocket::stream<TlsStream, false> ws_;  // false: no permessage-deflate, so nothing that inflates
  const std::string name_;
  const std::string room_name_;
  std::uint64_t after_;
  Room* room_ = nullptr;  // set together with visit_
  std::optional<Room::Visit> visit_;
  Room::Seat seat_ = 0;

  std::array<char, 1024> inbox_;  // most messages fit; what does not goes through spill_
  std::string spill_;
  bool oversize_ = false;
  bool binary_ = false;

  std::deque<std::string> errors_;
  bool pong_due_ = false;
  bool busy_ = false;  // what is kept waits for the socket
  bool soon_ = false;
  bool open_ = false;
  bool leaving_ = false;
  unsigned operations_ = 0;
  boost::asio::steady_timer* gone_ = nullptr;  // cancelled when the last operation ends
};

}  // namespace crypelab::signaling
