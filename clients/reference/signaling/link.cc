#include "clients/reference/signaling/link.h"

#include "clients/reference/signaling/answer.h"
#include "clients/reference/signaling/http_client.h"
#include "clients/reference/signaling/mailbox.h"
#include "harness/base/error.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace crypelab::client::signaling {

namespace asio = boost::asio;
using transport::Awaitable;
using transport::Error;

namespace {

constexpr Duration first_pause = 250ms;
constexpr Duration longest_pause = 4s;

RoomAddress address_of(const std::string& url) {
  auto address = parse_room_address(url);
  if (!address) throw Failure(Exit::usage, "the signaling URL " + address.complaint());
  return *address;
}

std::string target_of(const RoomAddress& room) { return fmt::format("{}:{}", room.host, room.port); }

}  // namespace

class Link::Body : public std::enable_shared_from_this<Link::Body> {
 public:
  Body(asio::any_io_executor executor, Settings settings, transport::Dialer& dialer, Listener& listener)
      : executor_(std::move(executor)),
        settings_(std::move(settings)),
        dialer_(dialer),
        listener_(&listener),
        room_(address_of(settings_.url)),
        changed_(executor_),
        stored_(executor_),
        pause_(executor_) {
    if (!settings_.fallback.empty()) fallback_ = address_of(settings_.fallback);
  }

  void start() {
    asio::co_spawn(
        executor_, [self = shared_from_this()] { return self->run(); }, asio::detached);
  }
  void leave() {
    listener_ = nullptr;
    ended_ = true;
    drop();
    pause_.cancel();
  }
  void drop() {
    if (socket_) socket_->abort();
    if (poll_) poll_->abort();
    if (poster_) poster_->abort();
    changed_.cancel();
  }
  bool post(Message message) {
    const bool taken = mailbox_.post(std::move(message));
    changed_.cancel();
    return taken;
  }
  bool is_open() const { return open_; }
  const std::optional<transport::DialTimes>& times() const { return times_; }

  Awaitable<std::optional<std::vector<transport::IceServer>>> ice_servers(Time deadline) {
    const auto self = shared_from_this();
    const auto& server = fallback_ ? *fallback_ : room_;
    const auto client = std::make_shared<HttpClient>(executor_, dialer_, server, settings_.token);
    const auto outcome = co_await client->request("/v1/ice-servers", "", deadline);
    const auto* const answer = std::get_if<HttpAnswer>(&outcome);
    if (answer == nullptr || answer->status != 200) co_return std::nullopt;
    auto servers = parse_ice_servers(answer->body);
    if (!servers) co_return std::nullopt;
    co_return std::move(*servers);
  }

  Awaitable<void> close(Time deadline) {
    const auto self = shared_from_this();
    while (open_ && !mailbox_.all_stored() && Time::clock::now() < deadline) co_await wait(stored_, deadline);
    ended_ = true;
    pause_.cancel();
    if (const auto socket = socket_) {
      co_await socket->close(std::min(deadline, Time::clock::now() + 1s));
      socket->abort();
    }
    drop();
  }

 private:
  enum class Tried { unreachable, declined, served };

  Awaitable<void> wait(asio::steady_timer& timer, Time until) {
    timer.expires_at(until);
    Error ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  Awaitable<void> run() {
    Duration pause = first_pause;
    while (!ended_) {
      auto tried = co_await by_socket();
      const bool elsewhere =
          fallback_ && (tried == Tried::declined || (tried == Tried::unreachable &&
                                                     (fallback_->host != room_.host || fallback_->port != room_.port)));
      if (!ended_ && elsewhere) tried = co_await by_polling();
      if (ended_) break;
      pause = tried == Tried::served ? first_pause : std::min(pause * 2, longest_pause);
      co_await wait(pause_, Time::clock::now() + pause);
    }
  }

  void trouble(const transport::Trouble& trouble) {
    if (listener_ != nullptr && !ended_) listener_->link_trouble(trouble);
  }
  void opened(std::string_view via) {
    open_ = true;
    stored_.cancel();
    const bool again = std::exchange(ever_open_, true);
    if (listener_ != nullptr && !ended_) listener_->link_open(via, again);
  }
  void lost(std::string_view via) {
    mailbox_.disconnected();
    if (!std::exchange(open_, false)) return;
    if (listener_ != nullptr && !ended_) listener_->link_lost(via);
  }
  void take(Message message) {
    auto news = mailbox_.take(std::move(message));
    changed_.cancel();
    stored_.cancel();
    if (news && listener_ != nullptr && !ended_) listener_->signaled(*news);
  }
  std::string position() const { return fmt::format("?after={}", mailbox_.position()); }

  // --- WebSocket ---

  Awaitable<Tried> by_socket() {
    transport::Target target{.host = room_.host, .port = room_.port};
    target.purpose = transport::Purpose::signaling;
    target.tls = transport::TlsWish{.name = room_.host, .alpn = {"http/1.1"}};
    auto outcome = co_await dialer_.dial(std::move(target), Time::clock::now() + settings_.connect);
    if (auto* const failure = std::get_if<transport::DialFailure>(&outcome)) {
      trouble(failure->trouble);
      co_return Tried::unreachable;
    }
    auto& dialed = std::get<transport::Dialed>(outcome);
    if (!times_) times_ = dialed.times;
    const auto socket = std::make_shared<WebSocket>(executor_, std::move(dialed.stream));
    socket_ = socket;
    const auto opening = co_await socket->open(room_, position(), settings_.token, dialed.to_leak,
                                               Time::clock::now() + settings_.upgrade);
    if (const auto* const answer = std::get_if<HttpAnswer>(&opening)) {
      socket_.reset();
      trouble(trouble_of(*answer, room_, true));
      co_return Tried::declined;
    }
    if (std::holds_alternative<WebSocket::Silent>(opening)) {
      socket_.reset();
      trouble({transport::Problem::sig_blocked,
               fmt::format("{} was reached and did not answer the opening of a WebSocket", target_of(room_))});
      co_return Tried::declined;
    }
    mailbox_.disconnected();
    heard_ = spoke_ = Time::clock::now();
    asked_.reset();
    greeted_ = false;
    asio::co_spawn(
        executor_, [self = shared_from_this(), socket] { return self->write_socket(socket); }, asio::detached);
    while (!ended_) {
      const auto text = co_await socket->read();
      if (!text) break;
      heard_ = Time::clock::now();
      asked_.reset();
      if (!std::exchange(greeted_, true)) opened("wss");
      if (auto message = parse_message(*text)) take(std::move(*message));
    }
    const bool closing = ended_;
    if (!closing) {
      socket_.reset();
      changed_.cancel();
      lost("wss");
    }
    if (!greeted_) {
      trouble({transport::Problem::sig_blocked,
               fmt::format("{} took a WebSocket and nothing came through it", target_of(room_))});
    }
    co_return greeted_ ? Tried::served : Tried::declined;
  }

  Awaitable<void> write_socket(std::shared_ptr<WebSocket> socket) {
    while (socket_ == socket && !ended_) {
      while (auto text = mailbox_.next_to_send()) {
        spoke_ = Time::clock::now();
        if (!co_await socket->write(std::move(*text))) co_return;
      }
      const auto now = Time::clock::now();
      const auto patience_ends =
          greeted_ ? (asked_ ? *asked_ + settings_.patience : Time::max()) : heard_ + settings_.upgrade;
      if (now >= patience_ends) co_return socket->abort();  // dead, and nobody said so
      if (now >= spoke_ + settings_.ping && greeted_) {
        spoke_ = now;
        if (!asked_) asked_ = now;
        // Named: GCC 12 destroys an aggregate twice that is made within a co_await.
        const auto ping = to_text({.type = Type::ping});
        if (!co_await socket->write(ping)) co_return;
        continue;
      }
      co_await wait(changed_, std::min(spoke_ + settings_.ping, patience_ends));
    }
  }

  // --- HTTPS ---

  Awaitable<Tried> by_polling() {
    const auto poll = std::make_shared<HttpClient>(executor_, dialer_, *fallback_, settings_.token);
    const auto poster = std::make_shared<HttpClient>(executor_, dialer_, *fallback_, settings_.token);
    poll_ = poll;
    poster_ = poster;
    mailbox_.disconnected();
    bool served = false;
    while (!ended_) {
      // The first answer comes at once: it tells what the server has.
      const auto wait = served ? 25 : 0;
      const auto path = fmt::format("{}/messages{}&wait={}", fallback_->path, position(), wait);
      const auto outcome = co_await poll->request(path, "", Time::clock::now() + settings_.connect + wait * 1s);
      if (ended_) break;
      if (const auto* const failure = std::get_if<transport::DialFailure>(&outcome)) {
        trouble(failure->trouble);
        break;
      }
      const auto* const answer = std::get_if<HttpAnswer>(&outcome);
      if (answer == nullptr) {
        if (!served) {
          trouble({transport::Problem::sig_blocked,
                   fmt::format("{} was reached and did not answer a request", target_of(*fallback_))});
        }
        break;
      }
      if (answer->status == 410) {
        mailbox_.rewind();
        continue;
      }
      const auto polled = answer->status == 200 ? parse_polled(answer->body) : Result<Polled>(Complaint{"refused"});
      if (!polled) {
        trouble(trouble_of(*answer, *fallback_, false));
        break;
      }
      mailbox_.acknowledged(polled->stored);
      if (!std::exchange(served, true)) {
        if (!times_) times_ = poll->times();
        opened("https");
        asio::co_spawn(
            executor_, [self = shared_from_this(), poster] { return self->write_posts(poster); }, asio::detached);
      }
      changed_.cancel();
      for (const auto& message : polled->messages) take(message);
    }
    poll_.reset();
    poster_.reset();
    changed_.cancel();
    lost("https");
    co_return served ? Tried::served : Tried::declined;
  }

  Awaitable<void> write_posts(std::shared_ptr<HttpClient> poster) {
    while (poster_ == poster && !ended_) {
      auto text = mailbox_.next_to_send();
      if (!text) {
        co_await wait(changed_, Time::max());
        continue;
      }
      const auto outcome = co_await poster->request(fallback_->path + "/messages", std::move(*text),
                                                    Time::clock::now() + settings_.connect);
      const auto* const answer = std::get_if<HttpAnswer>(&outcome);
      const auto message = answer != nullptr ? parse_message(answer->body) : Result<Message>(Complaint{"no answer"});
      if (!message) {
        mailbox_.unsent();
        if (poll_) poll_->abort();  // both begin anew
        co_return;
      }
      take(*message);
    }
  }

  asio::any_io_executor executor_;
  Settings settings_;
  transport::Dialer& dialer_;
  Listener* listener_;
  RoomAddress room_;
  std::optional<RoomAddress> fallback_;
  asio::steady_timer changed_;  // cancelled when something is to be sent, or the connection is another
  asio::steady_timer stored_;   // cancelled when the server has more of what was posted
  asio::steady_timer pause_;
  Mailbox mailbox_;
  std::shared_ptr<WebSocket> socket_;
  std::shared_ptr<HttpClient> poll_;
  std::shared_ptr<HttpClient> poster_;
  std::optional<transport::DialTimes> times_;
  bool open_ = false;
  bool ever_open_ = false;
  bool greeted_ = false;
  bool ended_ = false;
  Time heard_{};
  Time spoke_{};
  std::optional<Time> asked_;
};

Link::Link(asio::any_io_executor executor, Settings settings, transport::Dialer& dialer, Listener& listener)
    : body_(std::make_shared<Body>(std::move(executor), std::move(settings), dialer, listener)) {}
Link::~Link() { body_->leave(); }
void Link::start() { body_->start(); }
bool Link::post(Message message) { return body_->post(std::move(message)); }
bool Link::is_open() const { return body_->is_open(); }
const std::optional<transport::DialTimes>& Link::times() const { return body_->times(); }
void Link::reconnect() { body_->drop(); }
Awaitable<std::optional<std::vector<transport::IceServer>>> Link::ice_servers(Time deadline) {
  return body_->ice_servers(deadline);
}
Awaitable<void> Link::close(Time deadline) { return body_->close(deadline); }

}  // namespace crypelab::client::signaling
