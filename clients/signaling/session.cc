#include "clients/signaling/session.h"

#include "clients/signaling/peer.h"
#include "clients/signaling/route.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <fmt/format.h>

namespace crypelab::signaling {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

namespace {

constexpr std::size_t largest_header = 8U << 10U;
constexpr std::size_t largest_answer = 256U << 10U;  // messages of one long poll, unless one alone is larger
constexpr std::size_t largest_refused_body = 1U << 20U;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Response make_response(unsigned status, std::string body) {
  Response response(static_cast<http::status>(status), 11);
  response.set(http::field::cache_control, "no-store");
  // A page of any origin may ask: what counts is the token, and no cookie is ever used (Fetch, CORS protocol).
  response.set(http::field::access_control_allow_origin, "*");
  if (!body.empty()) response.set(http::field::content_type, "application/json");
  if (status == 401) response.set(http::field::www_authenticate, "Bearer");
  if (status == 405) response.set(http::field::allow, "GET, POST, OPTIONS");
  if (status == 426) {  // RFC 9110 section 15.5.22
    response.set(http::field::upgrade, "websocket");
    response.set(http::field::connection, "Upgrade");
  }
  response.body() = std::move(body);
  return response;
}

Response preflight() {
  Response response = make_response(204, {});
  response.set(http::field::access_control_allow_methods, "GET, POST");
  response.set(http::field::access_control_allow_headers, "Authorization, Content-Type");
  response.set(http::field::access_control_max_age, "600");
  return response;
}

// A long poll that waits.
class Poll final : public Listener {
 public:
  Poll(Room& room, Room::Seat seat, asio::steady_timer& timer) : room_(room), seat_(seat), timer_(timer) {
    room_.attach(seat_, Room::Channel::poll, *this);
  }
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  ~Poll() { room_.detach(seat_, Room::Channel::poll, *this); }
  void wake() override { timer_.cancel(); }
  void supersede() override { timer_.cancel(); }

 private:
  Room& room_;
  Room::Seat seat_;
  asio::steady_timer& timer_;
};

// What a request for a WebSocket becomes.
struct Upgrade {
  Request request;
  std::string peer;
  std::string room;
  std::uint64_t after = 0;
};

// The HTTP part of one connection.
class Session {
 public:
  Session(Desk& desk, Guest& guest, TlsStream& stream) : desk_(desk), guest_(guest), stream_(stream) {}

  // Answers requests until one asks for a WebSocket (returned) or the connection ends.
  asio::awaitable<std::optional<Upgrade>> run();

 private:
  using Head = http::request_parser<http::empty_body>;

  asio::awaitable<bool> answer(Response response, bool keep);
  // Views, not a Refusal: GCC 12 destroys a braced temporary in an awaited call twice.
  asio::awaitable<bool> refuse(std::string_view code, std::uint64_t seq, bool keep, std::string_view room);
  asio::awaitable<bool> post(Head& head, std::string_view room);
  asio::awaitable<bool> poll(const PollRoute& asked, bool keep);
  std::variant<std::pair<Room*, Room::Seat>, Refusal> sit(std::string_view room);
  Refusal authenticate(const Request& request, bool socket);

  Desk& desk_;
  Guest& guest_;
  TlsStream& stream_;
  beast::flat_buffer buffer_{2 * largest_header};
  std::string peer_;
};

asio::awaitable<bool> Session::answer(Response response, bool keep) {
  response.keep_alive(keep);
  response.prepare_payload();
  guest_.expect_within(desk_.settings().patience);
  error_code error;
  co_await http::async_write(stream_, response, asio::redirect_error(asio::use_awaitable, error));
  co_return !error && keep;
}

asio::awaitable<bool> Session::refuse(std::string_view code, std::uint64_t seq, bool keep, std::string_view room) {
  {
    auto line = desk_.log().line("reject");
    if (!room.empty()) line.text("room", room);
    if (!peer_.empty()) line.text("peer", peer_);
    line.text("via", "https").text("code", code).text("address", guest_.address());
  }
  const Refusal refusal{std::string(code), seq};
  Response response = make_response(code == "header-too-large" ? 431U : status_of(code), error_text(refusal));
  co_return co_await answer(std::move(response), keep);
}

std::variant<std::pair<Room*, Room::Seat>, Refusal> Session::sit(std::string_view room) {
  std::variant<Room*, Refusal> opened = desk_.room(room);
  if (auto* const refusal = std::get_if<Refusal>(&opened)) return std::move(*refusal);
  std::variant<Room::Seat, Refusal> seat = std::get<Room*>(opened)->seat(peer_);
  if (auto* const refusal = std::get_if<Refusal>(&seat)) return std::move(*refusal);
  return std::pair(std::get<Room*>(opened), std::get<Room::Seat>(seat));
}

Refusal Session::authenticate(const Request& request, bool socket) {
  std::string_view token = bearer(view(request[http::field::authorization]));
  std::string decoded;
  if (socket) {
    const Offer offer = read_offer(view(request[http::field::sec_websocket_protocol]));
    if (!offer.v1) return {"no-subprotocol"};
    if (token.empty() && !offer.token.empty()) {
      if (Result<std::string> bytes = decode_base64url(offer.token)) decoded = std::move(*bytes);
      token = decoded;
    }
  }
  const std::string_view peer = token.empty() ? std::string_view() : desk_.settings().tokens.peer(token);
  if (peer.empty()) return {"unauthorized"};
  peer_ = peer;
  guest_.became_known();
  return {};
}

asio::awaitable<std::optional<Upgrade>> Session::run() {
  for (bool keep = true; keep;) {
    Head head;
    head.header_limit(largest_header);
    head.body_limit(boost::none);
    guest_.expect_within(peer_.empty() ? desk_.settings().patience : desk_.settings().patience * 6);
    error_code error;
    co_await http::async_read_header(stream_, buffer_, head, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      const bool is_http = error.category() == http::make_error_code(http::error::bad_method).category();
      if (!is_http || error == http::error::end_of_stream || error == http::error::partial_message) break;
      const bool large = error == http::error::header_limit || error == http::error::buffer_overflow;
      co_await refuse(large ? "header-too-large" : "not-http", 0, false, {});
      break;
    }
    const bool upgrade = beast::websocket::is_upgrade(head.get());
    const bool whole = head.is_done();  // nothing of a body is left that would be taken for the next request
    keep = head.keep_alive() && whole;
    const Route asked = route(view(head.get().method_string()), view(head.get().target()), upgrade);
    if (const auto* const refusal = std::get_if<Refusal>(&asked)) {
      keep = co_await refuse(refusal->code, refusal->seq, keep, {});
      continue;
    }
    if (std::holds_alternative<PreflightRoute>(asked)) {
      keep = co_await answer(preflight(), keep);
      continue;
    }
    const auto* const socket = std::get_if<SocketRoute>(&asked);
    if (const Refusal refusal = authenticate(head.get(), socket != nullptr); !refusal.code.empty()) {
      keep = co_await refuse(refusal.code, 0, keep, {});
      continue;
    }
    if (socket != nullptr) {
      if (buffer_.size() > 0 || !whole) {  // RFC 6455 section 4.1: the client waits for the answer
        co_await refuse("bytes-before-upgrade", 0, false, {});
        break;
      }
      std::optional<Upgrade> asked_for(std::in_place);
      asked_for->peer = peer_;
      asked_for->room = socket->room;
      asked_for->after = socket->after;
      asked_for->request = head.release();
      co_return asked_for;
    }
    if (const auto* const place = std::get_if<PostRoute>(&asked)) {
      keep = co_await post(head, place->room);
    } else if (!whole) {
      co_await refuse("body-not-allowed", 0, false, {});
      break;
    } else if (const auto* const place_and_time = std::get_if<PollRoute>(&asked)) {
      keep = co_await poll(*place_and_time, keep);
    } else {
      desk_.log().line("ice-servers").text("peer", peer_).text("address", guest_.address());
      keep = co_await answer(make_response(200, ice_servers_json(desk_.settings().ice, peer_, desk_.unix_seconds())),
                             keep);
    }
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Session::post(Head& head, std::string_view room_in_target) {
  const std::string room(room_in_target);
  if (view(head.get()[http::field::expect]) == "100-continue") {
    http::response<http::empty_body> go(http::status::continue_, 11);
    error_code ignored;
    co_await http::async_write(stream_, go, asio::redirect_error(asio::use_awaitable, ignored));
  }
  http::request_parser<http::string_body> body(std::move(head));
  body.body_limit(largest_refused_body);
  guest_.expect_within(desk_.settings().patience);
  error_code error;
  const bool announced = body.content_length() && *body.content_length() > largest_refused_body;
  if (!announced) co_await http::async_read(stream_, buffer_, body, asio::redirect_error(asio::use_awaitable, error));
  if (announced || error == http::error::body_limit) co_return co_await refuse("too-large", 0, false, room);
  if (error) {
    if (error.category() != http::make_error_code(http::error::bad_method).category()) co_return false;
    co_return co_await refuse("not-http", 0, false, room);
  }
  const bool keep = body.keep_alive();
  const std::string& text = body.get().body();
  if (text.size() > desk_.settings().limits.message_bytes) co_return co_await refuse("too-large", 0, keep, room);
  Message message;
  if (const std::optional<Refusal> refusal = read_message(text, message))
    co_return co_await refuse(refusal->code, refusal->seq, keep, room);
  const auto seated = sit(room);
  if (const auto* const refusal = std::get_if<Refusal>(&seated)) {
    co_return co_await refuse(refusal->code, message.seq, keep, room);
  }
  const auto [place, seat] = std::get<0>(seated);
  if (message.from && *message.from != peer_) co_return co_await refuse("not-you", message.seq, keep, room);
  if (message.type != Type::ping && message.type != Type::pong) {
    const std::variant<Room::Stored, Refusal> outcome = place->store(seat, message);
    if (const auto* const refusal = std::get_if<Refusal>(&outcome))
      co_return co_await refuse(refusal->code, refusal->seq, keep, room);
    const auto& stored = std::get<Room::Stored>(outcome);
    desk_.log()
        .line(stored.duplicate ? "duplicate" : "message")
        .text("room", room)
        .text("peer", peer_)
        .text("via", "https")
        .text("type", to_string(message.type))
        .number("size", text.size())
        .number("seq", stored.seq);
  }
  co_return co_await answer(make_response(200, pong_text(place->stored_of(seat))), keep);
}

asio::awaitable<bool> Session::poll(const PollRoute& asked, bool keep) {
  const std::string room(asked.room);
  const auto seated = sit(room);
  if (const auto* const refusal = std::get_if<Refusal>(&seated))
    co_return co_await refuse(refusal->code, refusal->seq, keep, room);
  const auto [place, seat] = std::get<0>(seated);
  if (const std::optional<Refusal> refusal = place->check_position(asked.after)) {
    co_return co_await refuse(refusal->code, refusal->seq, keep, room);
  }
  const Room::Visit visit(*place);
  const std::uint64_t after = asked.after;
  if (asked.wait > 0 && !place->next(seat, after)) {
    asio::steady_timer timer(stream_.get_executor(), std::chrono::seconds(asked.wait));
    const Poll waiting(*place, seat, timer);
    guest_.expect_within(std::chrono::seconds(asked.wait) + desk_.settings().patience);
    guest_.set_leave([this, &timer] {
      guest_.leave_within("shutdown", Time(1000));
      timer.cancel();
    });
    error_code cancelled;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    guest_.set_leave({});
  }
  std::string body = fmt::format(R"({{"seq":{},"messages":[)", place->stored_of(seat));
  std::uint64_t count = 0;
  std::uint64_t position = after;
  while (const std::optional<Room::Delivery> next = place->next(seat, position)) {
    if (count > 0 && body.size() + next->text.size() > largest_answer) break;
    if (count++ > 0) body += ',';
    body += next->text;
    position = next->seq;
  }
  body += "]}";
  desk_.log()
      .line("poll")
      .text("room", room)
      .text("peer", peer_)
      .text("address", guest_.address())
      .number("after", after)
      .number("messages", count);
  co_return co_await answer(make_response(200, std::move(body)), keep && guest_.reason().empty());
}

asio::awaitable<std::optional<Upgrade>> requests(Desk& desk, Guest& guest, TlsStream& stream) {
  Session session(desk, guest, stream);
  co_return co_await session.run();
}

asio::awaitable<void> upgraded(Desk& desk, Guest& guest, TlsStream& stream, std::unique_ptr<Upgrade> upgrade) {
  const auto peer = std::make_unique<Peer>(desk, guest, std::move(stream), std::move(upgrade->peer),
                                           std::move(upgrade->room), upgrade->after);
  const Request request = std::move(upgrade->request);
  upgrade.reset();
  co_await peer->run(request);
}

std::string address_of(const TlsStream::Socket& socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return "gone";
  const std::string text = remote.address().to_string();
  return remote.address().is_v6() ? fmt::format("[{}]:{}", text, remote.port())
                                  : fmt::format("{}:{}", text, remote.port());
}

}  // namespace

asio::awaitable<void> serve(Desk& desk, SSL_CTX& context, TlsStream::Socket socket) {
  std::string address = address_of(socket);
  error_code error;
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (error) co_return;  // it is gone already
  TlsStream stream(std::move(socket), context);
  Guest guest(desk, std::move(address), [&stream] { stream.close(); });
  guest.expect_within(desk.settings().patience);
  co_await stream.async_handshake(asio::redirect_error(asio::use_awaitable, error));
  if (!error) {
    std::optional<Upgrade> upgrade = co_await requests(desk, guest, stream);
    if (upgrade) {
      auto kept = std::make_unique<Upgrade>(std::move(*upgrade));
      upgrade.reset();
      co_await upgraded(desk, guest, stream, std::move(kept));
      co_return;
    }
  }
  if (error || !guest.reason().empty()) {
    const std::string_view reason =
        guest.reason().empty() ? std::string_view("no-tls") : std::string_view(guest.reason());
    desk.log().line("drop").text("reason", reason).text("address", guest.address());
  }
  stream.close();
}

}  // namespace crypelab::signaling
