#pragma once

#include "harness/probe/dialogue.h"
#include "harness/probe/socket.h"

#include <memory>
#include <span>

#include <poll.h>

namespace crypelab::probe {

// One question with its sockets, in one thread with others.
class Attempt {
 public:
  virtual ~Attempt() = default;
  virtual void start(Time now) = 0;
  // Adds what it waits for; the same number of entries comes back, in the same order.
  virtual void wait_for(std::vector<pollfd>& descriptors) const = 0;
  virtual void ready(std::span<const pollfd> descriptors, Time now) = 0;
  virtual std::optional<Time> next() const = 0;
  virtual void wake(Time now) = 0;
  virtual bool done() const = 0;
  virtual measure::Finding finding() const = 0;
};

// Moves a dialogue's datagrams.
class UdpAttempt final : public Attempt {
 public:
  UdpAttempt(std::unique_ptr<Dialogue> dialogue, std::optional<Address> from)
      : dialogue_(std::move(dialogue)), from_(from) {}

  void start(Time now) override;
  void wait_for(std::vector<pollfd>& descriptors) const override;
  void ready(std::span<const pollfd> descriptors, Time now) override;
  std::optional<Time> next() const override { return dialogue_->next(); }
  void wake(Time now) override;
  bool done() const override { return no_route_ || dialogue_->done(); }
  measure::Finding finding() const override { return dialogue_->finding(); }

 private:
  void flush(Time now);

  std::unique_ptr<Dialogue> dialogue_;
  std::optional<Address> from_;
  std::vector<Descriptor> sockets_;
  bool no_route_ = false;
};

// The attempt that answers the question.
std::unique_ptr<Attempt> make_attempt(const measure::Question& question, std::uint64_t seed);

}  // namespace crypelab::probe
