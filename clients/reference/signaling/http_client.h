#pragma once

#include "clients/reference/signaling/web_socket.h"
#include "clients/reference/transport/dialer.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace crypelab::client::signaling {

// Requests to one HTTPS server over one connection, which is opened when there is none and kept as long as it lasts.
// One request at a time. Coroutines that use it hold it by shared_ptr.
class HttpClient {
 public:
  HttpClient(boost::asio::any_io_executor executor, transport::Dialer& dialer, RoomAddress server, std::string token);
  ~HttpClient();

  struct Broken {};  // sent, and not answered in time: whether it was heeded is not known
  using Outcome = std::variant<HttpAnswer, transport::DialFailure, Broken>;
  // `body` not empty: POST.
  transport::Awaitable<Outcome> request(std::string path, std::string body, Time deadline);
  void abort();
  const std::optional<transport::DialTimes>& times() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::client::signaling
