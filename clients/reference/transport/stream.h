#pragma once

#include "harness/base/address.h"
#include "harness/wire/bytes.h"

#include <span>
#include <string>
#include <system_error>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace crypelab::client::transport {

template <class T>
using Awaitable = boost::asio::awaitable<T>;
using Error = boost::system::error_code;

// Ends an operation: a coroutine waits for it and gets the error as a value.
inline constexpr auto use = boost::asio::as_tuple(boost::asio::use_awaitable);

struct ReadResult {
  Error error;  // boost::asio::error::eof when the other side has finished
  std::size_t size = 0;
};

// An ordered, reliable stream of bytes to one server: TCP, a tunnel, TLS over either. On one thread. It must outlive
// the reads and waits under way; `close` and `abort` end them soon (operation_aborted), so a coroutine that reads holds
// the owner of the stream.
class Stream {
 public:
  // What may wait to be sent before `write` refuses.
  static constexpr std::size_t most_queued = 256 * 1024;

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;  // as abort, without a reset

  // At least one byte, as they arrive. One read at a time.
  virtual Awaitable<ReadResult> read_some(std::span<std::uint8_t> into) = 0;
  // All pieces in their order, or nothing: false when `most_queued` bytes wait already, or the stream is broken. Copied
  // if they cannot go at once.
  virtual bool write(std::span<const wire::Bytes> pieces) = 0;
  bool write(wire::Bytes bytes) { return write(std::span(&bytes, 1)); }
  virtual std::size_t queued() const = 0;
  // Waits until at most `most` bytes wait to be sent; an error when that can no longer be.
  virtual Awaitable<Error> drained(std::size_t most = 0) = 0;
  // No more is written. What is queued is still sent, then the end of the stream is (close_notify, FIN).
  virtual void close() = 0;
  // At once; what is queued is lost and the other side sees a reset.
  virtual void abort() = 0;

  // Of the TCP connection below: to the server or to the proxy.
  virtual Endpoint local() const = 0;
  virtual Endpoint remote() const = 0;
};

}  // namespace crypelab::client::transport
