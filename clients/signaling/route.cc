#include "clients/signaling/route.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace crypelab::signaling {
namespace {

constexpr std::string_view rooms = "/v1/rooms/";
constexpr std::string_view messages = "/messages";

struct Query {
  std::uint64_t after = 0;
  std::uint64_t wait = 0;
};

std::optional<Query> read_query(std::string_view text, bool with_wait) {
  Query query;
  bool seen_after = false;
  bool seen_wait = false;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = part.substr(0, equals);
    const std::string_view digits = part.substr(equals + 1);
    const bool is_after = name == "after" && !std::exchange(seen_after, true);
    const bool is_wait = !is_after && with_wait && name == "wait" && !std::exchange(seen_wait, true);
    if (!is_after && !is_wait) return std::nullopt;
    std::uint64_t& value = is_after ? query.after : query.wait;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value > largest_seq) return std::nullopt;
  }
  return query;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Route route(std::string_view method, std::string_view target, bool upgrade) {
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view text = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  const bool is_ice = path == "/v1/ice-servers";
  if (!is_ice && !path.starts_with(rooms)) return Refusal{"not-found"};
  if (method == "OPTIONS") return PreflightRoute{};
  if (is_ice) {
    if (method != "GET") return Refusal{"bad-method"};
    if (!text.empty()) return Refusal{"bad-query"};
    return IceRoute{};
  }
  std::string_view room = path.substr(rooms.size());
  const bool is_messages = room.size() > messages.size() && room.ends_with(messages);
  if (is_messages) room.remove_suffix(messages.size());
  if (!is_name(room)) return Refusal{"bad-room"};
  if (is_messages && method == "POST") {
    if (!text.empty()) return Refusal{"bad-query"};
    return PostRoute{room};
  }
  if (method != "GET") return Refusal{"bad-method"};
  if (!is_messages && !upgrade) return Refusal{"upgrade-required"};
  const std::optional<Query> query = read_query(text, is_messages);
  if (!query) return Refusal{"bad-query"};
  if (!is_messages) return SocketRoute{room, query->after};
  return PollRoute{room, query->after, static_cast<unsigned>(std::min<std::uint64_t>(query->wait, longest_wait))};
}

unsigned status_of(std::string_view code) {
  if (code == "unauthorized") return 401;
  if (code == "not-you" || code == "too-many-peers") return 403;
  if (code == "not-found") return 404;
  if (code == "bad-method") return 405;
  if (code == "out-of-order") return 409;
  if (code == "expired") return 410;
  if (code == "too-large") return 413;
  if (code == "upgrade-required") return 426;
  if (code == "server-full") return 503;
  if (code == "room-full") return 507;
  return 400;
}

std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer";
  if (authorization.size() <= scheme.size() || authorization[scheme.size()] != ' ') return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != scheme[i])
      return {};  // RFC 9110 11.1: any letter case
  }
  return trimmed(authorization.substr(scheme.size()));
}

Offer read_offer(std::string_view subprotocols) {
  constexpr std::string_view token = "crype.token.";
  Offer offer;
  while (!subprotocols.empty()) {
    const std::string_view raw = subprotocols.substr(0, subprotocols.find(','));
    subprotocols.remove_prefix(std::min(subprotocols.size(), raw.size() + 1));
    const std::string_view one = trimmed(raw);
    if (one == "crype.signaling.v1") offer.v1 = true;
    if (offer.token.empty() && one.starts_with(token)) offer.token = one.substr(token.size());
  }
  return offer;
}

}  // namespace crypelab::signaling
