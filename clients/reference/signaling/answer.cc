#include "clients/reference/signaling/answer.h"

#include <fmt/format.h>

namespace crypelab::client::signaling {

using transport::Problem;
using transport::Trouble;

Trouble trouble_of(const HttpAnswer& answer, const RoomAddress& room, bool web_socket) {
  const auto where = fmt::format("{}:{}", room.host, room.port);
  const bool page = answer.content_type.starts_with("text/html");
  const bool elsewhere = answer.status >= 300 && answer.status < 400;
  if (answer.status == 511 || elsewhere || (page && answer.status >= 200 && answer.status < 300)) {
    return {Problem::captive_portal,
            fmt::format("{} was answered with status {}{}: this network wants a login first", where, answer.status,
                        elsewhere && !answer.location.empty() ? " and a redirection to " + answer.location
                        : page                                ? " and a page"
                                                              : "")};
  }
  if (answer.status == 401 && !page) {
    return {Problem::sig_blocked, fmt::format("the signaling server {} does not know the token (status 401)", where)};
  }
  if (web_socket) {
    return {Problem::sig_blocked, fmt::format("{} answered the opening of a WebSocket with status {}: something on the "
                                              "way does not pass the Upgrade field, or refuses it",
                                              where, answer.status)};
  }
  return {Problem::sig_blocked, fmt::format("{} answered a request for messages with status {}", where, answer.status)};
}

}  // namespace crypelab::client::signaling
