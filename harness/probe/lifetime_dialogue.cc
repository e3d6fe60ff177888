#include "harness/probe/lifetime_dialogue.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr unsigned kRequests = 3;
constexpr Duration kApart = std::chrono::milliseconds(20);
constexpr std::uint16_t kControls = 256;  // transactions from here on are controls, of the sample below

}  // namespace

LifetimeDialogue::LifetimeDialogue(const measure::Lifetime& ask, std::uint64_t seed)
    : ask_(ask), transactions_(seed), samples_(std::clamp(ask.steps, 1u, max_steps)) {
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    samples_[i].silence = ask.maximum * static_cast<long>(i + 1) / static_cast<long>(samples_.size());
  }
}

void LifetimeDialogue::wake(Time now) {
  const auto asker = static_cast<unsigned>(samples_.size());
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    auto& sample = samples_[i];
    const auto index = static_cast<std::uint16_t>(i);
    if (!sample.mapped) {
      if (sample.retry.due(now)) {
        send(static_cast<unsigned>(i), ask_.server, binding_request(transactions_.at(index)));
        sample.retry.sent(now);
      }
    } else if (!sample.alive && now >= sample.due) {
      // An answer to the asker itself follows each one that may be lost at a mapping that is gone.
      ++sample.asked;
      sample.due = now + kApart * (sample.asked < kRequests ? 1 : 10);
      send(asker, ask_.server, binding_request(transactions_.at(index), {}, sample.mapped->port));
      send(asker, ask_.server, binding_request(transactions_.at(static_cast<std::uint16_t>(kControls + index))));
    }
  }
}

void LifetimeDialogue::receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) {
  const auto binding = parse_binding(bytes);
  const auto index = binding && from == ask_.server ? transactions_.index_of(binding->transaction) : std::nullopt;
  if (!index) return;
  if (*index < samples_.size() && socket == *index) {
    auto& sample = samples_[*index];
    if (!sample.mapped) {
      sample.mapped = binding->mapped;
      sample.due = now + sample.silence;
    } else if (sample.asked > 0) {
      sample.alive = true;
    }
  } else if (*index >= kControls && *index < kControls + samples_.size() && socket == samples_.size()) {
    // The answer to the mapping left before this one. What is still to be asked may find it, a late one corrects it.
    auto& sample = samples_[*index - kControls];
    if (sample.asked > kRequests && !sample.alive) sample.alive = false;
  }
}

std::optional<Time> LifetimeDialogue::next() const {
  std::optional<Time> next;
  for (const auto& sample : samples_) {
    if (sample.alive) continue;
    const Time due = sample.mapped ? sample.due : sample.retry.at();
    if (!next || due < *next) next = due;
  }
  return next;
}

bool LifetimeDialogue::done() const {
  return std::ranges::all_of(samples_, [](const auto& sample) { return sample.alive.has_value(); });
}

measure::Finding LifetimeDialogue::finding() const {
  measure::Lived found;
  for (const auto& sample : samples_) {
    if (sample.mapped) found.answered = true;
    if (sample.alive == true) found.alive = std::max(found.alive.value_or(Duration(0)), sample.silence);
    if (sample.alive == false && !found.dead) found.dead = sample.silence;
  }
  return found;
}

}  // namespace crypelab::probe
