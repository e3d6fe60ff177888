#include "clients/reference/signaling/mailbox.h"

#include <algorithm>

namespace crypelab::client::signaling {
namespace {

std::size_t size_of(const Message& message) {
  return message.sdp.size() + message.candidate.size() + message.code.size() + 64;
}

}  // namespace

bool Mailbox::post(Message message) {
  if (bytes_ + size_of(message) > most_bytes) return false;
  bytes_ += size_of(message);
  waiting_.push_back(std::move(message));
  return true;
}

void Mailbox::disconnected() {
  greeted_ = false;
  sent_ = 0;
}

void Mailbox::acknowledged(std::uint64_t stored) {
  greeted_ = true;
  if (!ever_greeted_) {
    // Messages of an earlier life of this client: it goes on counting after them.
    ever_greeted_ = true;
    first_ = stored + 1;
    return;
  }
  while (!waiting_.empty() && first_ <= stored) {
    bytes_ -= size_of(waiting_.front());
    waiting_.pop_front();
    ++first_;
    if (sent_ > 0) --sent_;
  }
}

std::optional<std::string> Mailbox::next_to_send() {
  if (!greeted_ || sent_ >= waiting_.size()) return std::nullopt;
  Message message = waiting_[sent_];
  message.seq = first_ + sent_;
  ++sent_;
  return to_text(message);
}

void Mailbox::unsent() {
  if (sent_ > 0) --sent_;
}

void Mailbox::refused(std::uint64_t seq) {
  // A refused message uses up no number: those after it are sent again with the numbers from there on.
  if (seq < first_ || seq >= first_ + waiting_.size()) return;
  const auto index = seq - first_;
  bytes_ -= size_of(waiting_[index]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
  sent_ = std::min<std::size_t>(sent_, index);
}

std::optional<Message> Mailbox::take(Message message) {
  if (message.from.empty()) {
    if (message.type == Type::pong) {
      acknowledged(message.seq);
      return std::nullopt;
    }
    if (message.type == Type::error && message.code == "out-of-order") {
      sent_ = 0;  // what came before it was lost
      return std::nullopt;
    }
    if (message.type == Type::error && message.code == "expired") {
      rewind();
      return std::nullopt;
    }
    if (message.type == Type::error && message.seq != 0) refused(message.seq);
    return message;
  }
  if (message.seq <= position_) return std::nullopt;
  position_ = message.seq;
  return message;
}

}  // namespace crypelab::client::signaling
