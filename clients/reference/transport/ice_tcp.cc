#include "clients/reference/transport/ice_tcp.h"

#include "clients/reference/transport/race.h"
#include "clients/reference/transport/tcp_stream.h"

#include <map>
#include <set>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

namespace crypelab::client::transport {

using boost::asio::ip::tcp;
using Clock = std::chrono::steady_clock;

namespace {

constexpr Duration connect_time = 10s;

}  // namespace

class IceTcp::Body : public std::enable_shared_from_this<Body> {
 public:
  Body(boost::asio::any_io_executor executor, Listener& listener)
      : executor_(std::move(executor)), listener_(&listener) {}

  void end() {
    listener_ = nullptr;
    Error ignored;
    for (auto& [base, acceptor] : acceptors_) acceptor->close(ignored);
    for (auto& [route, stream] : streams_) stream->close();
    acceptors_.clear();
    streams_.clear();
  }

  std::optional<std::uint16_t> listen(ice::Base base, const Address& local) {
    const auto acceptor = std::make_shared<tcp::acceptor>(executor_);
    Error error;
    const auto at = tcp_endpoint({local, 0});
    acceptor->open(at.protocol(), error);
    if (!error) acceptor->bind(at, error);
    if (!error) acceptor->listen(16, error);
    if (error) return std::nullopt;
    acceptors_[base] = acceptor;
    boost::asio::co_spawn(executor_, accept(shared_from_this(), base, acceptor), boost::asio::detached);
    return acceptor->local_endpoint(error).port();
  }

  void may_connect(ice::Base base, const Address& local) { actives_[base] = local; }
  bool knows(ice::Base base) const { return acceptors_.contains(base) || actives_.contains(base); }

  void remove(ice::Base base) {
    if (const auto found = acceptors_.find(base); found != acceptors_.end()) {
      Error ignored;
      found->second->close(ignored);
      acceptors_.erase(found);
    }
    actives_.erase(base);
    for (auto entry = streams_.begin(); entry != streams_.end();) {
      if (entry->first.base != base) {
        ++entry;
        continue;
      }
      entry->second->close();
      entry = streams_.erase(entry);
    }
  }

  void connect(const ice::Route& route) {
    const auto active = actives_.find(route.base);
    const bool possible = active != actives_.end() && streams_.size() + connecting_.size() < most_connections &&
                          !streams_.contains(route) && connecting_.insert(route).second;
    if (!possible) {
      boost::asio::post(executor_, [self = shared_from_this(), route] {
        if (self->listener_ != nullptr) self->listener_->disconnected(route);
      });
      return;
    }
    boost::asio::co_spawn(executor_, open(shared_from_this(), route, active->second), boost::asio::detached);
  }

  void send(const ice::Route& route, wire::Bytes bytes) {
    const auto found = streams_.find(route);
    if (found != streams_.end()) found->second->write(std::span(&bytes, 1));
  }

 private:
  static Awaitable<std::optional<std::shared_ptr<Stream>>> attempt(boost::asio::any_io_executor executor, Address local,
                                                                   Endpoint remote) {
    tcp::socket socket(executor);
    Error error;
    const auto from = tcp_endpoint({local, 0});
    socket.open(from.protocol(), error);
    if (!error) socket.bind(from, error);
    if (error) co_return std::nullopt;
    const auto [refused] = co_await socket.async_connect(tcp_endpoint(remote), use);
    if (refused) co_return std::nullopt;
    co_return std::make_shared<TcpStream>(std::move(socket));
  }

  static Awaitable<void> open(std::shared_ptr<Body> self, ice::Route route, Address local) {
    const auto executor = self->executor_;
    const std::function<Awaitable<std::optional<std::shared_ptr<Stream>>>()> once = [executor, local, route] {
      return attempt(executor, local, route.remote);
    };
    auto stream = co_await within<std::shared_ptr<Stream>>(executor, Clock::now() + connect_time, once);
    self->connecting_.erase(route);
    if (self->listener_ == nullptr) co_return;
    if (!stream || !self->actives_.contains(route.base)) {
      self->listener_->disconnected(route);
      co_return;
    }
    co_await serve(self, route, *stream);
  }

  static Awaitable<void> accept(std::shared_ptr<Body> self, ice::Base base, std::shared_ptr<tcp::acceptor> acceptor) {
    while (self->listener_ != nullptr && acceptor->is_open()) {
      auto [error, socket] = co_await acceptor->async_accept(use);
      if (error == boost::asio::error::operation_aborted || self->listener_ == nullptr) co_return;
      if (error) {
        boost::asio::steady_timer pause(self->executor_, 100ms);  // no descriptors: soon there may be one
        co_await pause.async_wait(use);
        continue;
      }
      const auto stream = std::make_shared<TcpStream>(std::move(socket));
      const ice::Route route{base, stream->remote()};
      if (self->streams_.size() >= most_connections || self->streams_.contains(route)) {
        stream->abort();
        continue;
      }
      boost::asio::co_spawn(self->executor_, serve(self, route, stream), boost::asio::detached);
    }
  }

  static Awaitable<void> serve(std::shared_ptr<Body> self, ice::Route route, std::shared_ptr<Stream> stream) {
    self->streams_[route] = stream;
    if (self->listener_ == nullptr || !self->listener_->connected(route)) {
      self->streams_.erase(route);
      stream->abort();
      co_return;
    }
    std::vector<std::uint8_t> chunk(8 * 1024);
    while (true) {
      const auto got = co_await stream->read_some(chunk);
      if (got.error || self->listener_ == nullptr) break;
      self->listener_->received(route, wire::Bytes(chunk).first(got.size));
    }
    const auto known = self->streams_.find(route);
    if (known == self->streams_.end() || known->second != stream) co_return;
    self->streams_.erase(known);
    if (self->listener_ != nullptr) self->listener_->disconnected(route);
  }

  boost::asio::any_io_executor executor_;
  Listener* listener_;
  std::map<ice::Base, std::shared_ptr<tcp::acceptor>> acceptors_;
  std::map<ice::Base, Address> actives_;
  std::map<ice::Route, std::shared_ptr<Stream>> streams_;
  std::set<ice::Route> connecting_;
};

IceTcp::IceTcp(boost::asio::any_io_executor executor, Listener& listener)
    : body_(std::make_shared<Body>(std::move(executor), listener)) {}
IceTcp::~IceTcp() { body_->end(); }

std::optional<std::uint16_t> IceTcp::listen(ice::Base passive, const Address& local) {
  return body_->listen(passive, local);
}
void IceTcp::may_connect(ice::Base active, const Address& local) { body_->may_connect(active, local); }
void IceTcp::remove(ice::Base base) { body_->remove(base); }
void IceTcp::connect(const ice::Route& route) { body_->connect(route); }
bool IceTcp::knows(ice::Base base) const { return body_->knows(base); }
void IceTcp::send(const ice::Route& route, wire::Bytes bytes) { body_->send(route, bytes); }

}  // namespace crypelab::client::transport
