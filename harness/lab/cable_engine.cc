#include "harness/lab/cable_engine.h"

#include "harness/base/error.h"
#include "harness/base/overloaded.h"

#include <algorithm>

namespace crypelab::lab {
namespace {

Ratio ratio(double share) { return Ratio{static_cast<std::uint32_t>(std::clamp(share, 0.0, 1.0) * 1'000'000 + 0.5)}; }

// Gilbert-Elliott with a bad state that loses everything: its mean length is 1 / bad_to_good, its long-run share is
// good_to_bad / (good_to_bad + bad_to_good).
impair::BurstLoss gilbert_elliott(const model::BurstLoss& burst) {
  const double share = std::min(burst.share.parts_per_million / 1e6, 0.999);
  const double leave = 1.0 / std::max(1u, burst.mean_length);
  return {.good_to_bad = ratio(leave * share / (1 - share)), .bad_to_good = ratio(leave)};
}

// What the engine's process is given; a plain struct because it crosses a clone().
struct Start {
  Descriptor ours;  // closed in the engine, or it would not see that the lab is gone
  Descriptor theirs;
  Descriptor route;
  std::vector<impair::LinkPlan> plans;
};

int run_engine(void* argument) {
  auto& start = *static_cast<Start*>(argument);
  start.ours.close();
  try {
    impair::LinkEngine(std::move(start.theirs), std::move(start.route), std::move(start.plans)).run();
  } catch (const std::exception&) {
    return static_cast<int>(Exit::software);
  }
  return 0;
}

}  // namespace

impair::Impairment impairment_of(const model::Direction& direction) {
  impair::Impairment impairment;
  impairment.delay = direction.delay;
  impairment.jitter.spread = direction.jitter;
  impairment.rate = direction.rate;
  std::visit(Overloaded{
                 [](std::monostate) {},
                 [&](const model::RandomLoss& random) {
                   impairment.seed = random.seed;
                   impairment.loss = impair::IndependentLoss{random.share};
                 },
                 [&](const model::BurstLoss& burst) {
                   impairment.seed = burst.seed;
                   impairment.loss = gilbert_elliott(burst);
                 },
                 [&](const model::PacketListLoss& list) {
                   for (const auto packet : list.packets) impairment.lost_packets.push_back({packet, packet});
                 },
             },
             direction.loss);
  return impairment;
}

// The namespace only carries: it must not speak on the cables itself.
CableEngine::CableEngine() { inside_.sysctl("net/ipv6/conf/default/disable_ipv6", "1"); }

std::uint32_t CableEngine::add(std::size_t index, const model::Direction& a_to_b, const model::Direction& b_to_a) {
  const kernel::InNamespace inside(inside_);
  plans_.push_back({impair::LinkEnd::open(near_name(index)), impair::LinkEnd::open(far_name(index)),
                    impairment_of(a_to_b), impairment_of(b_to_a)});
  return static_cast<std::uint32_t>(plans_.size() - 1);
}

void CableEngine::start() {
  auto [ours, theirs] = impair::control_pair();
  Start start{std::move(ours), std::move(theirs), {}, std::move(plans_)};
  {
    const kernel::InNamespace inside(inside_);
    start.route = impair::open_route_socket();
  }
  process_ = kernel::clone_process(0, run_engine, &start);
  if (!process_) throw_errno("start the process that carries impaired cables");
  control_.emplace(std::move(start.ours));
}

void CableEngine::change(std::uint32_t link, const model::Direction& a_to_b, const model::Direction& b_to_a) {
  control_->set(link, impair::Direction::a_to_b, impairment_of(a_to_b));
  control_->set(link, impair::Direction::b_to_a, impairment_of(b_to_a));
}

impair::LinkCounters CableEngine::read(std::uint32_t link, impair::Direction direction) {
  return control_->read(link, direction);
}

}  // namespace crypelab::lab
