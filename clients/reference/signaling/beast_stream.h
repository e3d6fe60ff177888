#pragma once

#include "clients/reference/transport/stream.h"

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

namespace crypelab::client::signaling {

// A Stream in the form that Beast's WebSocket and HTTP want. Included by few: it is expensive to compile.
class BeastStream {
 public:
  using executor_type = boost::asio::any_io_executor;

  BeastStream(executor_type executor, std::unique_ptr<transport::Stream> stream)
      : executor_(std::move(executor)), stream_(std::move(stream)) {}

  executor_type get_executor() const { return executor_; }
  transport::Stream& stream() { return *stream_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    boost::asio::mutable_buffer first;
    for (auto one = boost::asio::buffer_sequence_begin(buffers);
         one != boost::asio::buffer_sequence_end(buffers) && first.size() == 0; ++one) {
      first = *one;
    }
    return start(read({static_cast<std::uint8_t*>(first.data()), first.size()}), std::forward<Token>(token));
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    std::vector<wire::Bytes> pieces;
    for (auto one = boost::asio::buffer_sequence_begin(buffers); one != boost::asio::buffer_sequence_end(buffers);
         ++one) {
      const boost::asio::const_buffer buffer(*one);
      if (buffer.size() > 0) pieces.emplace_back(static_cast<const std::uint8_t*>(buffer.data()), buffer.size());
    }
    return start(write(std::move(pieces)), std::forward<Token>(token));
  }

 private:
  template <class Token>
  auto start(transport::Awaitable<transport::ReadResult> operation, Token&& token) {
    return boost::asio::async_initiate<Token, void(transport::Error, std::size_t)>(
        [this](auto handler, transport::Awaitable<transport::ReadResult> what) {
          boost::asio::co_spawn(
              executor_, std::move(what),
              [handler = std::move(handler)](const std::exception_ptr&, const transport::ReadResult& result) mutable {
                std::move(handler)(result.error, result.size);
              });
        },
        token, std::move(operation));
  }
  transport::Awaitable<transport::ReadResult> read(std::span<std::uint8_t> into);
  transport::Awaitable<transport::ReadResult> write(std::vector<wire::Bytes> pieces);

  executor_type executor_;
  std::unique_ptr<transport::Stream> stream_;
};

// What Beast calls at the end of a WebSocket.
inline void beast_close_socket(BeastStream& stream) { stream.stream().close(); }
inline void teardown(boost::beast::role_type, BeastStream& stream, transport::Error& error) {
  stream.stream().close();
  error = {};
}
template <class Handler>
void async_teardown(boost::beast::role_type, BeastStream& stream, Handler&& handler) {
  stream.stream().close();
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), transport::Error{}));
}

}  // namespace crypelab::client::signaling
