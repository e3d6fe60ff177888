#pragma once

#include "clients/reference/transport/stream.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace crypelab::client::transport {

// A stream of which somebody has read more than was his: these bytes come first. It holds `token` while it lives.
class PrefixedStream final : public Stream {
 public:
  PrefixedStream(std::vector<std::uint8_t> first, std::unique_ptr<Stream> rest, std::shared_ptr<void> token)
      : first_(std::move(first)), rest_(std::move(rest)), token_(std::move(token)) {}

  using Stream::write;
  Awaitable<ReadResult> read_some(std::span<std::uint8_t> into) override {
    if (first_.empty()) co_return co_await rest_->read_some(into);
    const auto n = std::min(first_.size(), into.size());
    std::copy_n(first_.begin(), n, into.begin());
    first_.erase(first_.begin(), first_.begin() + static_cast<std::ptrdiff_t>(n));
    co_return ReadResult{{}, n};
  }
  bool write(std::span<const wire::Bytes> pieces) override { return rest_->write(pieces); }
  std::size_t queued() const override { return rest_->queued(); }
  Awaitable<Error> drained(std::size_t most) override { return rest_->drained(most); }
  void close() override { rest_->close(); }
  void abort() override { rest_->abort(); }
  Endpoint local() const override { return rest_->local(); }
  Endpoint remote() const override { return rest_->remote(); }

 private:
  std::vector<std::uint8_t> first_;
  std::unique_ptr<Stream> rest_;
  std::shared_ptr<void> token_;
};

}  // namespace crypelab::client::transport
