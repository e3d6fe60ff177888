#pragma once

#include "clients/reference/signaling/address.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/stream.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <boost/asio/any_io_executor.hpp>

namespace crypelab::client::signaling {

// How a request for something else than a WebSocket message was answered (G-02: handled as HTTP).
struct HttpAnswer {
  unsigned status = 0;
  std::string content_type;
  std::string location;
  std::string body;  // as much as was asked for
};

// One WebSocket of `crype.signaling.v1` (RFC 6455). Coroutines that use it hold it by shared_ptr.
class WebSocket {
 public:
  WebSocket(boost::asio::any_io_executor executor, std::unique_ptr<transport::Stream> stream);
  ~WebSocket();

  struct Silent {};  // no answer, or the connection broke
  // The opening handshake, until `deadline`. `leak`: a field line that has no business there, or nothing (P-09).
  using Opening = std::variant<std::monostate, HttpAnswer, Silent>;
  transport::Awaitable<Opening> open(RoomAddress room, std::string query, std::string token, std::string leak,
                                     Time deadline);

  // One text message; nothing when the connection has ended.
  transport::Awaitable<std::optional<std::string>> read();
  // One at a time; false when the connection has ended.
  transport::Awaitable<bool> write(std::string text);
  // The closing handshake, until `deadline`.
  transport::Awaitable<void> close(Time deadline);
  // At once; reads and writes under way end.
  void abort();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::client::signaling
