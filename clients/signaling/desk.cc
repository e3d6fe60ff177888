#include "clients/signaling/desk.h"

#include <vector>

namespace crypelab::signaling {

Time Desk::now() const { return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch()); }

std::uint64_t Desk::unix_seconds() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

std::variant<Room*, Refusal> Desk::room(std::string_view name) {
  const auto base = std::chrono::system_clock::now().time_since_epoch();
  return lobby_.open(name, now(),
                     static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(base).count()));
}

bool Desk::admit() {
  if (strangers_.size() < settings_.strangers && connections() < settings_.connections) return true;
  // A stranger that has had its time makes way: whoever opens connections and says nothing cannot keep others out.
  for (Guest* const guest : strangers_) {
    if (!guest->reason().empty()) continue;
    guest->end("too-many-connections");
    return true;
  }
  return false;
}

void Desk::sweep() {
  const Time time = now();
  std::vector<Guest*> late;
  for (const auto* const list : {&strangers_, &known_}) {
    for (Guest* const guest : *list) {
      if (guest->deadline_ <= time) late.push_back(guest);
    }
  }
  for (Guest* const guest : late) guest->end("too-slow");
  for (const std::string& room : lobby_.expire(time)) log_.line("expire").text("room", room);
}

void Desk::farewell() {
  std::vector<Guest*> all(strangers_.begin(), strangers_.end());
  all.insert(all.end(), known_.begin(), known_.end());
  for (Guest* const guest : all) guest->leave();
}

Guest::Guest(Desk& desk, std::string address, std::function<void()> abort)
    : desk_(desk),
      address_(std::move(address)),
      abort_(std::move(abort)),
      place_(desk.strangers_.insert(desk.strangers_.end(), this)) {}

Guest::~Guest() { (known_ ? desk_.known_ : desk_.strangers_).erase(place_); }

void Guest::became_known() {
  if (known_) return;
  known_ = true;
  desk_.known_.splice(desk_.known_.end(), desk_.strangers_, place_);
}

void Guest::expect_within(Time patience) { deadline_ = desk_.now() + patience; }

void Guest::end(std::string_view reason) {
  if (reason_.empty()) reason_ = reason;
  deadline_ = Time::max();
  abort_();
}

void Guest::leave() {
  if (leave_) {
    leave_();
  } else {
    end("shutdown");
  }
}

void Guest::leave_within(std::string_view reason, Time patience) {
  if (reason_.empty()) reason_ = reason;
  expect_within(patience);
}

}  // namespace crypelab::signaling
