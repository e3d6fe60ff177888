#include "clients/signaling/peer.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace crypelab::signaling {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::size_t most_errors = 64;          // that wait to be read
constexpr std::size_t largest_in_messages = 16;  // of the allowed size: what is refused but still read to its end
constexpr std::uint16_t superseded_code = 4000;  // RFC 6455 section 7.4.2: private use
constexpr std::uint16_t going_away_code = 1001;  // section 7.4.1
constexpr std::uint16_t policy_code = 1008;
constexpr std::size_t enough_to_send = 16U << 10U;  // a full record of TLS

// As one text frame of a server, which masks nothing (RFC 6455 section 5.2).
void keep_message(TlsStream& stream, std::string_view text) {
  const std::uint64_t size = text.size();
  std::string head("\x81");
  const auto put = [&](std::size_t bytes) {
    while (bytes-- > 0) head += static_cast<char>(size >> (8 * bytes));
  };
  if (size < 126) {
    put(1);
  } else {
    head += static_cast<char>(size < 65'536 ? 126 : 127);
    put(size < 65'536 ? 2 : 8);
  }
  stream.keep(head);
  stream.keep(text);
}

}  // namespace

Peer::Peer(Desk& desk, Guest& guest, TlsStream stream, std::string name, std::string room, std::uint64_t after)
    : desk_(desk),
      guest_(guest),
      ws_(std::move(stream)),
      name_(std::move(name)),
      room_name_(std::move(room)),
      after_(after) {
  guest_.set_abort([this] { ws_.next_layer().close(); });
  guest_.set_leave([this] { leave(going_away_code, "shutdown"); });
}

Peer::~Peer() {
  guest_.set_abort([] {});
  guest_.set_leave({});
  if (room_ != nullptr) room_->detach(seat_, Room::Channel::socket, *this);
}

asio::awaitable<void> Peer::run(const http::request<http::empty_body>& request) {
  const Settings& settings = desk_.settings();
  ws_.set_option(websocket::stream_base::timeout{settings.patience, 2 * settings.ping, true});
  ws_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    response.set(http::field::sec_websocket_protocol, "crype.signaling.v1");
  }));
  ws_.read_message_max(largest_in_messages * settings.limits.message_bytes);
  error_code error;
  co_await ws_.async_accept(request, asio::redirect_error(asio::use_awaitable, error));
  if (!error) {
    open_ = true;
    guest_.expect_nothing();
    join();
    pump();
    while (!error) {
      const std::size_t n =
          co_await ws_.async_read_some(asio::buffer(inbox_), asio::redirect_error(asio::use_awaitable, error));
      if (!error) take({inbox_.data(), n}, ws_.is_message_done());
    }
  }
  open_ = false;
  if (room_ != nullptr) room_->detach(seat_, Room::Channel::socket, *this);
  desk_.log()
      .line("close")
      .text("room", room_name_)
      .text("peer", name_)
      .text("via", "wss")
      .text("reason", end_reason(error))
      .number("unread", room_ != nullptr && room_->next(seat_, after_) ? 1 : 0);
  ws_.next_layer().close();
  if (operations_ > 0) {
    asio::steady_timer gone(ws_.get_executor(), asio::steady_timer::time_point::max());
    gone_ = &gone;
    co_await gone.async_wait(asio::redirect_error(asio::use_awaitable, error));
    gone_ = nullptr;
  }
}

void Peer::join() {
  std::variant<Room*, Refusal> opened = desk_.room(room_name_);
  Room* const* const found = std::get_if<Room*>(&opened);
  if (found == nullptr) return say(std::get<Refusal>(opened));
  const std::variant<Room::Seat, Refusal> seat = (*found)->seat(name_);
  if (const auto* const refusal = std::get_if<Refusal>(&seat)) return say(*refusal);
  room_ = *found;
  visit_.emplace(*room_);
  seat_ = std::get<Room::Seat>(seat);
  desk_.log()
      .line(after_ == 0 ? "join" : "resume")
      .text("room", room_name_)
      .text("peer", name_)
      .text("via", "wss")
      .text("address", guest_.address())
      .number("after", after_);
  if (const std::optional<Refusal> refusal = room_->check_position(after_)) {
    say(*refusal);
    after_ = 0;
  }
  room_->attach(seat_, Room::Channel::socket, *this);
  pong_due_ = true;
}

void Peer::take(std::string_view piece, bool last) {
  binary_ = binary_ || !ws_.got_text();
  const std::size_t limit = desk_.settings().limits.message_bytes;
  if (oversize_ || spill_.size() + piece.size() > limit) {
    oversize_ = true;
    std::string().swap(spill_);
  } else if (!last || !spill_.empty()) {
    spill_.append(piece);
  }
  if (!last) return;
  if (binary_) {
    say({"not-text"});
  } else if (oversize_) {
    say({"too-large"});
  } else {
    handle(spill_.empty() ? piece : std::string_view(spill_));
  }
  oversize_ = false;
  binary_ = false;
  if (spill_.capacity() > inbox_.size()) std::string().swap(spill_);
  spill_.clear();
  pump_soon();
}

void Peer::handle(std::string_view text) {
  static thread_local Message message;  // keeps its strings' memory from one message to the next
  if (std::optional<Refusal> refusal = read_message(text, message)) return say(*refusal);
  if (message.type == Type::pong) return;
  if (room_ == nullptr) {
    join();
    if (room_ == nullptr) return;  // it said why
  }
  if (message.from && *message.from != name_) return say({"not-you", message.seq});
  if (message.type == Type::ping) {
    pong_due_ = true;
    return;
  }
  const std::variant<Room::Stored, Refusal> outcome = room_->store(seat_, message);
  if (const auto* const refusal = std::get_if<Refusal>(&outcome)) return say(*refusal);
  const auto& stored = std::get<Room::Stored>(outcome);
  pong_due_ = true;
  desk_.log()
      .line(stored.duplicate ? "duplicate" : "message")
      .text("room", room_name_)
      .text("peer", name_)
      .text("via", "wss")
      .text("type", to_string(message.type))
      .number("size", text.size())
      .number("seq", stored.seq);
}

void Peer::say(const Refusal& refusal) {
  desk_.log()
      .line("reject")
      .text("room", room_name_)
      .text("peer", name_)
      .text("via", "wss")
      .text("code", refusal.code)
      .text("address", guest_.address());
  if (errors_.size() >= most_errors) return leave(policy_code, "reads-no-errors");
  errors_.push_back(error_text(refusal));
}

void Peer::pump_soon() {
  if (soon_ || busy_ || !open_) return;
  soon_ = true;
  ++operations_;
  asio::post(ws_.get_executor(), [this] {
    soon_ = false;
    pump();
    operation_done();
  });
}

// The next that is to be told: refusals, what is stored, what others said.
bool Peer::keep_next() {
  auto& stream = ws_.next_layer();
  if (!errors_.empty()) {
    keep_message(stream, errors_.front());
    errors_.pop_front();
  } else if (room_ == nullptr) {
    return false;
  } else if (pong_due_) {
    pong_due_ = false;
    keep_message(stream, pong_text(room_->stored_of(seat_)));
  } else {
    const std::optional<Room::Delivery> delivery = room_->next(seat_, after_);
    if (!delivery) return false;
    after_ = delivery->seq;
    keep_message(stream, delivery->text);
  }
  return true;
}

// Messages are framed here, not by Beast, which would send each by itself; its own control frames come between whole
// ones.
void Peer::pump() {
  auto& stream = ws_.next_layer();
  while (!busy_ && open_ && !leaving_ && ws_.is_open() && !stream.broken()) {
    while (stream.kept() < enough_to_send && keep_next()) continue;
    if (stream.kept() == 0) return;
    if (stream.flush()) continue;
    busy_ = true;
    ++operations_;
    guest_.expect_within(desk_.settings().patience);
    stream.async_flush([this](error_code error) {
      busy_ = false;
      if (!leaving_) guest_.expect_nothing();
      if (!error) pump();
      operation_done();
    });
  }
}

void Peer::supersede() { leave(superseded_code, "superseded"); }

void Peer::leave(std::uint16_t code, std::string_view reason) {
  if (!open_ || leaving_) return;
  leaving_ = true;
  guest_.leave_within(reason, Time(1000));
  ++operations_;
  ws_.async_close(websocket::close_reason(static_cast<websocket::close_code>(code),
                                          beast::string_view(reason.data(), reason.size())),
                  [this](error_code) { operation_done(); });
}

void Peer::operation_done() {
  if (--operations_ == 0 && gone_ != nullptr) gone_->cancel();
}

std::string_view Peer::end_reason(error_code error) const {
  if (!guest_.reason().empty()) return guest_.reason();
  if (error == websocket::error::closed) return "closed";
  if (error == beast::error::timeout) return "silent";
  if (error.category() == make_error_code(websocket::error::closed).category()) return "bad-websocket";
  return "lost";
}

}  // namespace crypelab::signaling
