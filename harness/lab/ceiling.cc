#include "harness/lab/ceiling.h"

#include "harness/base/error.h"
#include "harness/wire/measure_json.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include <fmt/format.h>

namespace crypelab::lab {
namespace {

using namespace std::chrono_literals;

// Captures hear nothing while this lives.
class Deafness {
 public:
  explicit Deafness(Network& network) : network_(network) { set(true); }
  ~Deafness() { set(false); }
  Deafness(const Deafness&) = delete;
  Deafness& operator=(const Deafness&) = delete;

 private:
  void set(bool deaf) {
    auto& captures = network_.captures();
    for (std::size_t i = 0; i < captures.size(); ++i) captures[i].set_deaf(deaf);
  }

  Network& network_;
};

}  // namespace

std::vector<CeilingFound> measure_ceilings(Lab& lab, const std::vector<blueprint::CeilingLeg>& legs,
                                           Measurer& reflector) {
  const Deafness deafness(lab.network());
  lab.loop().watch(reflector.descriptor(), [&] {
    while (reflector.line()) continue;  // it tells of everything that reaches it
  });
  std::map<std::string, std::vector<measure::Question>> questions;
  Duration longest = 5s;
  for (const auto& leg : legs) {
    questions[leg.host].push_back(leg.question);
    longest += leg.question.deadline;
  }
  std::deque<Measurer> measurers;
  std::map<std::string, measure::Rated> rated;
  std::set<Measurer*> asked;
  for (const auto& [host, of_host] : questions) {
    auto& measurer = measurers.emplace_back(lab, host, std::vector<std::string>{"measure"});
    asked.insert(&measurer);
    lab.loop().watch(measurer.descriptor(), [&] {
      while (const auto line = measurer.line()) {
        const auto answer = wire::decode_answer(*line);
        if (!answer) throw Failure(Exit::software, fmt::format("the measuring program said '{}'", *line));
        if (const auto* found = std::get_if<measure::Rated>(&answer->finding)) rated[answer->id] = *found;
      }
      if (!measurer.ended()) return;
      lab.loop().forget(measurer.descriptor());
      asked.erase(&measurer);
    });
    measurer.tell(wire::encode_job(of_host));
  }
  const bool done = lab.loop().run_until([&] { return asked.empty(); }, Loop::Clock::now() + longest);
  for (auto* measurer : asked) lab.loop().forget(measurer->descriptor());
  lab.loop().forget(reflector.descriptor());
  if (!done) throw Failure(Exit::software, "the measuring program did not come to an end");
  std::vector<CeilingFound> found;
  for (const auto& leg : legs) {
    const auto of_leg = rated.find(leg.question.id);
    if (of_leg == rated.end())
      throw Failure(Exit::software,
                    fmt::format("the measuring program on {} left '{}' without an answer", leg.host, leg.question.id));
    found.push_back({leg, of_leg->second});
  }
  return found;
}

}  // namespace crypelab::lab
