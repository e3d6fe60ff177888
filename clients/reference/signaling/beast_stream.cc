#include "clients/reference/signaling/beast_stream.h"

#include <boost/asio/error.hpp>

namespace crypelab::client::signaling {

transport::Awaitable<transport::ReadResult> BeastStream::read(std::span<std::uint8_t> into) {
  if (into.empty()) co_return transport::ReadResult{};
  co_return co_await stream_->read_some(into);
}

transport::Awaitable<transport::ReadResult> BeastStream::write(std::vector<wire::Bytes> pieces) {
  std::size_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  const auto error = co_await stream_->drained(transport::Stream::most_queued / 2);
  if (error) co_return transport::ReadResult{error, 0};
  if (!stream_->write(std::span<const wire::Bytes>(pieces))) {
    co_return transport::ReadResult{boost::asio::error::broken_pipe, 0};
  }
  co_return transport::ReadResult{{}, size};
}

}  // namespace crypelab::client::signaling
