#include "clients/reference/call/phases.h"

#include <gtest/gtest.h>

namespace crypelab::client::call::phases_test {
namespace {

using namespace std::chrono_literals;
using job::Delivery;
using job::Direction;

struct End final : Phases::Output {
  End(bool caller, std::vector<job::Work> work) : phases(caller, std::move(work), *this) {}
  bool send_control(const Control& control) override {
    // Through its text, as on the wire.
    controls.push_back(*parse_control(to_text(control)));
    return true;
  }
  bool send_data(Delivery delivery, wire::Bytes message) override {
    if (room == 0) return false;
    --room;
    data.emplace_back(delivery, std::vector<std::uint8_t>(message.begin(), message.end()));
    return true;
  }
  void echoed(const EchoResult& result) override {
    ++echoes;
    echo_sent = result.sent;
    echo_received = result.round_trips.count();
    echo_p50 = result.round_trips.quantile(0.5);
  }
  void measured(const ThroughputResult& result) override { results.push_back(result); }
  void interrupted(const Gap& gap) override { gaps.push_back(gap); }

  Phases phases;
  std::vector<Control> controls;
  std::vector<std::pair<Delivery, std::vector<std::uint8_t>>> data;
  std::size_t room = 1'000'000;
  int echoes = 0;
  std::uint64_t echo_sent = 0;
  std::uint64_t echo_received = 0;
  Duration echo_p50{0};
  std::vector<ThroughputResult> results;
  std::vector<Gap> gaps;
};

// A caller and a callee, 5 ms apart, on a clock of their own.
struct Call {
  explicit Call(std::vector<job::Work> work) : caller(true, std::move(work)), callee(false, {}) {
    caller.phases.start(now);
  }
  void carry(End& from, End& to) {
    const auto controls = std::exchange(from.controls, {});
    const auto data = stalled && stalled(now) ? decltype(from.data)() : std::exchange(from.data, {});
    for (const auto& [delivery, message] : data) {
      from.room = 1'000;
      if (lose && lose(++carried)) continue;
      to.phases.data(message, delivery, now);
    }
    for (const auto& control : controls) to.phases.control(control, now);
  }
  bool run(Duration most = 60s) {
    const auto end = now + most;
    while (!caller.phases.done() && now < end) {
      now += 5ms;
      carry(caller, callee);
      carry(callee, caller);
      caller.phases.wake(now);
      callee.phases.wake(now);
    }
    carry(caller, callee);  // its last words
    return caller.phases.done();
  }
  Time now = Time(1h);
  End caller, callee;
  std::uint64_t carried = 0;
  std::function<bool(std::uint64_t)> lose;
  std::function<bool(Time)> stalled;
};

TEST(Phases, an_echo_counts_what_comes_back_and_how_long_it_took) {
  Call call({job::Echo{.count = 50, .interval = 20ms, .size = 120}});
  ASSERT_TRUE(call.run());
  EXPECT_EQ(call.caller.echoes, 1);
  EXPECT_EQ(call.caller.echo_sent, 50U);
  EXPECT_EQ(call.caller.echo_received, 50U);
  EXPECT_GE(call.caller.echo_p50, 4ms);
  EXPECT_LE(call.caller.echo_p50, 11ms);
  EXPECT_EQ(call.callee.echoes, 0);
}

TEST(Phases, a_lost_echo_is_missing_and_does_not_stop_the_rest) {
  Call call({job::Echo{.count = 10, .interval = 20ms, .size = 24, .delivery = Delivery::unordered_unreliable},
             job::Echo{.count = 1, .interval = 0ms, .size = 24}});
  call.lose = [](std::uint64_t n) { return n == 3; };
  ASSERT_TRUE(call.run());
  EXPECT_EQ(call.caller.echoes, 2);
  EXPECT_FALSE(call.caller.phases.failed());
}

TEST(Phases, throughput_is_counted_by_the_receiver_in_each_direction) {
  Call call({job::Throughput{
      .time = 1s, .direction = Direction::both, .delivery = Delivery::unordered_unreliable, .size = 1'000}});
  call.caller.room = call.callee.room = 1'000;
  call.lose = [](std::uint64_t n) { return n % 10 == 0; };
  ASSERT_TRUE(call.run());
  for (const auto* const end : {&call.caller, &call.callee}) {
    ASSERT_EQ(end->results.size(), 2U);
    for (const auto& result : end->results) {
      EXPECT_GT(result.sent, 10'000U);
      EXPECT_NEAR(static_cast<double>(result.report.received), 0.9 * static_cast<double>(result.sent),
                  0.02 * static_cast<double>(result.sent));
      EXPECT_EQ(result.report.bytes, result.report.received * 1'000);
    }
  }
  EXPECT_NE(call.caller.results[0].sending, call.caller.results[1].sending);
}

TEST(Phases, what_cannot_be_lost_is_waited_for) {
  Call call({job::Throughput{.time = 1s, .direction = Direction::send, .delivery = Delivery::ordered, .size = 1'000}});
  const auto begin = call.now;
  call.stalled = [&](Time now) { return now > begin + 200ms && now < begin + 4s; };
  ASSERT_TRUE(call.run());
  ASSERT_EQ(call.caller.results.size(), 1U);
  EXPECT_EQ(call.caller.results[0].report.received, call.caller.results[0].sent);
}

TEST(Phases, one_direction_is_that_of_the_caller) {
  Call call({job::Throughput{.time = 1s, .direction = Direction::receive, .delivery = Delivery::ordered, .size = 100}});
  ASSERT_TRUE(call.run());
  ASSERT_EQ(call.caller.results.size(), 1U);
  EXPECT_FALSE(call.caller.results[0].sending);
  ASSERT_EQ(call.callee.results.size(), 1U);
  EXPECT_TRUE(call.callee.results[0].sending);
  EXPECT_EQ(call.callee.results[0].report.received, call.callee.results[0].sent);
}

TEST(Phases, a_silence_in_a_hold_is_a_gap_that_says_what_ended_it) {
  Call call({job::Hold{.time = 10s, .traffic = job::Traffic::audio, .max_gap = 5s}});
  const auto begin = call.now;
  call.lose = [&](std::uint64_t) {
    const bool dead = call.now > begin + 3s && call.now < begin + 5s;
    if (dead) call.caller.phases.path_changed(Recovery::restart);
    return dead;
  };
  ASSERT_TRUE(call.run());
  ASSERT_EQ(call.caller.gaps.size(), 1U);
  EXPECT_NEAR(static_cast<double>(call.caller.gaps[0].length.count()), 2e6, 1e5);
  EXPECT_EQ(call.caller.gaps[0].recovered_by, Recovery::restart);
  ASSERT_EQ(call.callee.gaps.size(), 1U);
  EXPECT_EQ(call.callee.gaps[0].recovered_by, Recovery::retransmission);
  EXPECT_FALSE(call.caller.phases.failed());
}

TEST(Phases, a_gap_above_the_limit_fails_the_job) {
  Call call({job::Hold{.time = 6s, .traffic = job::Traffic::video, .max_gap = 1s}});
  const auto begin = call.now;
  call.lose = [&](std::uint64_t) { return call.now > begin + 2s && call.now < begin + 4s; };
  ASSERT_TRUE(call.run());
  EXPECT_TRUE(call.caller.phases.failed());
}

TEST(Phases, a_gap_without_end_is_said_to_be_never_recovered) {
  Call call({job::Hold{.time = 6s, .traffic = job::Traffic::audio}});
  const auto begin = call.now;
  call.lose = [&](std::uint64_t) { return call.now > begin + 2s; };
  ASSERT_TRUE(call.run());
  ASSERT_EQ(call.caller.gaps.size(), 1U);
  EXPECT_FALSE(call.caller.gaps[0].recovered_by);
  EXPECT_TRUE(call.caller.phases.failed());
}

TEST(Phases, a_silent_hold_sends_nothing) {
  Call call({job::Hold{.time = 300s, .traffic = job::Traffic::silent}});
  ASSERT_TRUE(call.run(400s));
  EXPECT_EQ(call.carried, 0U);
}

TEST(Phases, work_follows_work_in_its_order) {
  Call call({job::Echo{.count = 2, .interval = 5ms, .size = 24},
             job::Throughput{.time = 1s, .direction = Direction::send, .delivery = Delivery::ordered, .size = 500},
             job::Hold{.time = 1s, .traffic = job::Traffic::audio},
             job::Echo{.count = 2, .interval = 5ms, .size = 24}});
  ASSERT_TRUE(call.run());
  EXPECT_EQ(call.caller.echoes, 2);
  EXPECT_EQ(call.caller.results.size(), 1U);
}

TEST(Phases, a_callee_that_never_says_ready_is_not_sent_anything) {
  End caller(true, {job::Echo{.count = 2, .interval = 5ms, .size = 24}});
  caller.phases.start(Time(1h));
  caller.phases.wake(Time(2h));
  EXPECT_TRUE(caller.data.empty());
  EXPECT_FALSE(caller.phases.done());
}

TEST(Control, reads_what_it_writes_and_refuses_the_rest) {
  Control control{.type = Control::Type::begin,
                  .phase = 7,
                  .work = job::Hold{.time = 5s, .traffic = job::Traffic::audio, .max_gap = 2s}};
  const auto read = parse_control(to_text(control));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->phase, 7);
  EXPECT_EQ(std::get<job::Hold>(read->work).max_gap, 2s);
  for (const auto* const bad :
       {"", "{}", "[]", R"({"type":"begin","phase":1})", R"({"type":"end","phase":1,"sent":-1})",
        R"({"type":"end","phase":70000,"sent":1})", R"({"type":"proof"})"}) {
    EXPECT_FALSE(parse_control(bad)) << bad;
  }
  EXPECT_FALSE(parse_control(std::string(largest_control + 1, ' ')));
}

}  // namespace
}  // namespace crypelab::client::call::phases_test
