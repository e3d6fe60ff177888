#pragma once

#include "harness/probe/arrivals.h"
#include "harness/probe/attempt.h"
#include "harness/probe/mapping_dialogue.h"
#include "harness/probe/stream.h"

namespace crypelab::probe {

// A STUN Binding over a TCP connection (RFC 8489 section 6.2.2: no retransmission).
class StreamBinding {
 public:
  // `opening` goes ahead of the request.
  StreamBinding(const Endpoint& to, const wire::TransactionId& transaction, std::optional<Endpoint> local,
                std::vector<std::uint8_t> opening = {})
      : transaction_(transaction), opening_(std::move(opening)), stream_(to, local) {}
  const Stream& stream() const { return stream_; }
  void ready(short revents);
  bool done() const { return mapped_ || stream_.ended(); }
  const std::optional<Endpoint>& mapped() const { return mapped_; }

 private:
  wire::TransactionId transaction_;
  std::vector<std::uint8_t> opening_;
  Stream stream_;
  bool asked_ = false;
  std::vector<std::uint8_t> incoming_;
  std::optional<Endpoint> mapped_;
};

// measure::Reach over TCP.
class StreamReach final : public Attempt {
 public:
  StreamReach(const measure::Reach& ask, const wire::TransactionId& token, std::optional<Address> from)
      : ask_(ask), token_(token), from_(from) {}
  void start(Time now) override;
  void wait_for(std::vector<pollfd>& descriptors) const override;
  void ready(std::span<const pollfd> descriptors, Time now) override;
  std::optional<Time> next() const override { return std::nullopt; }
  void wake(Time /*now*/) override {}
  bool done() const override { return binding_ && binding_->done(); }
  measure::Finding finding() const override;

 private:
  measure::Reach ask_;
  wire::TransactionId token_;
  std::optional<Address> from_;
  std::optional<StreamBinding> binding_;
};

// measure::Mapping over TCP: four connections from one local port (RFC 5382 REQ-1), then further ones.
class StreamMapping final : public Attempt {
 public:
  StreamMapping(const measure::Mapping& ask, std::uint64_t seed, std::optional<Address> from)
      : corners_(corners(ask.server, ask.other)), transactions_(seed), from_(from) {}
  void start(Time now) override;
  void wait_for(std::vector<pollfd>& descriptors) const override;
  void ready(std::span<const pollfd> descriptors, Time now) override;
  std::optional<Time> next() const override { return std::nullopt; }
  void wake(Time /*now*/) override {}
  bool done() const override;
  measure::Finding finding() const override;

 private:
  std::array<Endpoint, 4> corners_;
  Transactions transactions_;
  std::optional<Address> from_;
  std::vector<std::unique_ptr<StreamBinding>> bindings_;
};

// measure::Passage over TCP: echoes, of which the headers of IPv4 or IPv6 and TCP with time stamps are counted as well.
class StreamPassage final : public Attempt {
 public:
  StreamPassage(const measure::Passage& ask, std::optional<Address> from) : ask_(ask), from_(from) {}
  void start(Time now) override;
  void wait_for(std::vector<pollfd>& descriptors) const override;
  void ready(std::span<const pollfd> descriptors, Time now) override;
  std::optional<Time> next() const override { return next_; }
  void wake(Time now) override;
  bool done() const override { return done_; }
  measure::Finding finding() const override { return found_; }

 private:
  measure::Passage ask_;
  std::optional<Address> from_;
  std::optional<Stream> stream_;
  std::vector<std::uint8_t> outgoing_;
  std::uint64_t echoed_ = 0;
  Time begin_{0};
  Time last_{0};
  Time next_{0};
  measure::Passed found_;
  bool done_ = false;
};

// measure::Rate over TCP.
class StreamRate final : public Attempt {
 public:
  StreamRate(const measure::Rate& ask, std::optional<Address> from) : ask_(ask), from_(from) {}
  void start(Time now) override;
  void wait_for(std::vector<pollfd>& descriptors) const override;
  void ready(std::span<const pollfd> descriptors, Time now) override;
  std::optional<Time> next() const override;
  void wake(Time now) override;
  bool done() const override { return done_; }
  measure::Finding finding() const override;

 private:
  bool is_sending() const;
  void pump(Time now);

  measure::Rate ask_;
  std::optional<Address> from_;
  std::optional<Stream> stream_;
  std::vector<std::uint8_t> outgoing_;
  std::size_t outgoing_at_ = 0;
  std::size_t once_ = 0;  // what goes ahead of the bytes that are repeated
  std::uint64_t sent_ = 0;
  std::optional<Time> begin_;
  bool closed_ = false;
  Arrivals down_;
  std::vector<std::uint8_t> incoming_;
  std::optional<Report> report_;
  unsigned segment_ = 1448;
  bool done_ = false;
};

}  // namespace crypelab::probe
