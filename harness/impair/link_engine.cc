#include "harness/impair/link_engine.h"

#include "harness/base/error.h"
#include "harness/impair/low_latency.h"
#include "harness/impair/segmentation.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace crypelab::impair {
namespace {

constexpr std::uint64_t kControlEvent = UINT64_MAX;
constexpr std::uint64_t kTimerEvent = UINT64_MAX - 1;
constexpr std::size_t kMaxChanges = 4096;
constexpr std::size_t kSendBatch = 64;

void watch(const Descriptor& epoll, int fd, std::uint64_t event) {
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u64 = event;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &interest) < 0) throw_errno("link engine: epoll");
}

}  // namespace

LinkEngine::LinkEngine(Descriptor control, Descriptor route, std::vector<LinkPlan> plans, Time spin)
    : control_(std::move(control)),
      route_(std::move(route)),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "link engine: epoll")),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "link engine: timer")),
      spin_(spin),
      request_(kMaxLinkMessage) {
  const Time now = monotonic_now();
  for (auto& plan : plans) {
    const std::size_t a = ports_.size();
    lines_.push_back(Line{a, a + 1, ImpairedQueue(std::move(plan.a_to_b), now), {}, now, 0});
    lines_.push_back(Line{a + 1, a, ImpairedQueue(std::move(plan.b_to_a), now), {}, now, 0});
    ports_.emplace_back(std::move(plan.a), route_);
    ports_.emplace_back(std::move(plan.b), route_);
  }
  watch(epoll_, control_.get(), kControlEvent);
  watch(epoll_, timer_.get(), kTimerEvent);
  for (std::size_t i = 0; i < ports_.size(); ++i) watch(epoll_, ports_[i].socket(), i);
}

void LinkEngine::run() {
  prefer_low_latency();
  std::array<epoll_event, 128> events;
  while (!finished_) {
    const Time wake = next_wake();
    const bool near = wake != kNever && wake <= monotonic_now() + spin_;
    if (!near) arm(wake == kNever ? kNever : wake - spin_);
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), near ? 0 : -1);
    if (count < 0 && errno != EINTR) throw_errno("link engine: epoll");
    for (int i = 0; i < count; ++i) {
      const std::uint64_t event = events[static_cast<std::size_t>(i)].data.u64;
      if (event == kControlEvent) {
        answer();
      } else if (event == kTimerEvent) {
        std::uint64_t expirations = 0;
        if (::read(timer_.get(), &expirations, sizeof expirations) > 0) armed_ = kNever;
      } else {
        receive(event);
      }
    }
    const Time now = monotonic_now();
    apply_changes(now);
    for (auto& line : lines_) {
      if (line.queue.next_wake() <= now) send_due(line);
    }
  }
}

void LinkEngine::receive(std::size_t port) {
  arrivals_.clear();
  ports_[port].receive(batch_, arrivals_);
  Line& line = lines_[port];
  for (auto& arrival : arrivals_) {
    // A change whose moment came before this packet must be in force for it.
    if (!changes_.empty() && changes_.front().at <= arrival.time) apply_changes(arrival.time);
    carry(line, arrival);
  }
}

void LinkEngine::carry(Line& line, Arrival& arrival) {
  line.clock = std::max(line.clock, arrival.time);
  if (!arrival.frame.is_aggregate() || !acts_on_single_packets(line.queue.impairment())) {
    return line.queue.push(line.clock, std::move(arrival.frame));
  }
  pieces_.clear();
  if (!segment(arrival.frame, pieces_)) {
    ++line.unsegmented;
    return;
  }
  for (auto& piece : pieces_) line.queue.push(line.clock, std::move(piece));
}

void LinkEngine::apply_changes(Time now) {
  std::size_t done = 0;
  for (; done < changes_.size() && changes_[done].at <= now; ++done) {
    auto& change = changes_[done];
    Line& line = lines_[change.line];
    line.clock = std::max(line.clock, change.at);
    line.queue.change(line.clock, std::move(change.impairment));
  }
  changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(done));
}

void LinkEngine::send_due(Line& line) {
  for (;;) {
    line.clock = std::max(line.clock, monotonic_now());
    due_.clear();
    std::array<Time, kSendBatch> moments;
    while (due_.size() < kSendBatch) {
      auto delivery = line.queue.pop(line.clock);
      if (!delivery) break;
      moments[due_.size()] = delivery->due;
      due_.push_back(std::move(delivery->frame));
    }
    if (due_.empty()) return;
    ports_[line.to].send(due_);
    const Time sent = monotonic_now();
    for (std::size_t i = 0; i < due_.size(); ++i) line.lateness.add(sent - moments[i]);
    if (due_.size() < kSendBatch) return;
  }
}

Time LinkEngine::next_wake() const {
  Time wake = changes_.empty() ? kNever : changes_.front().at;
  for (const auto& line : lines_) wake = std::min(wake, line.queue.next_wake());
  return wake;
}

void LinkEngine::arm(Time wake) {
  if (wake == armed_) return;
  itimerspec moment{};
  if (wake != kNever) {
    wake = std::max(wake, Time(1));  // zero would disarm
    moment.it_value.tv_sec = wake / std::chrono::seconds(1);
    moment.it_value.tv_nsec = (wake % std::chrono::seconds(1)).count();
  }
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &moment, nullptr) < 0) throw_errno("link engine: timer");
  armed_ = wake;
}

void LinkEngine::answer() {
  const ssize_t size = ::recv(control_.get(), request_.data(), request_.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    finished_ = true;
    return;
  }
  const auto length = static_cast<std::size_t>(size);
  LinkReply reply;
  if (length > request_.size()) {
    reply.complaint = "request to the link engine too long";
  } else if (auto request = decode_link_request(std::span(request_).first(length))) {
    reply = reply_to(*request);
  } else {
    reply.complaint = request.complaint();
  }
  const auto message = encode(reply);
  if (::send(control_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    finished_ = errno == EPIPE;
}

LinkReply LinkEngine::reply_to(const LinkRequest& request) {
  const auto [link, direction] = std::visit([](const auto& r) { return std::pair(r.link, r.direction); }, request);
  if (link >= lines_.size() / 2) return {"no link number " + std::to_string(link), std::nullopt};
  const std::size_t line = link * 2ul + (direction == Direction::b_to_a ? 1 : 0);
  if (const auto* set = std::get_if<SetImpairment>(&request)) {
    if (const auto complaint = complaint_about(set->impairment))
      return {"impairment: " + complaint->text, std::nullopt};
    if (changes_.size() >= kMaxChanges) return {"too many outstanding changes of impairments", std::nullopt};
    const Time at = std::max(set->at, monotonic_now());
    const auto place = std::upper_bound(changes_.begin(), changes_.end(), at,
                                        [](Time moment, const Change& change) { return moment < change.at; });
    changes_.insert(place, Change{at, line, set->impairment});
    apply_changes(monotonic_now());
    return {};
  }
  return {"", counters(lines_[line])};
}

LinkCounters LinkEngine::counters(Line& line) {
  LinkCounters counters = line.queue.counters();
  ports_[line.from].count_receiving(counters);
  ports_[line.to].count_sending(counters, route_);
  counters.receive_refused += line.unsegmented;
  counters.late_p50 = static_cast<std::uint64_t>(line.lateness.percentile(50).count());
  counters.late_p90 = static_cast<std::uint64_t>(line.lateness.percentile(90).count());
  counters.late_p99 = static_cast<std::uint64_t>(line.lateness.percentile(99).count());
  counters.late_max = static_cast<std::uint64_t>(line.lateness.max().count());
  return counters;
}

}  // namespace crypelab::impair
