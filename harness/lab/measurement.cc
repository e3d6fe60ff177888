#include "harness/lab/measurement.h"

#include "harness/base/error.h"
#include "harness/wire/measure_json.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::lab {
namespace {

using namespace std::chrono_literals;
using blueprint::CounterName;
using blueprint::Declaration;

// How often the counters are looked at while a drop is waited for.
constexpr auto kLook = 2ms;

class Measuring {
 public:
  Measuring(Lab& lab, const model::Scenario& scenario, blueprint::Form form, Measurer& reflector)
      : lab_(lab), declarations_(blueprint::declare(scenario, form)), reflector_(reflector) {}

  std::vector<blueprint::Row> run() {
    before_ = lab_.network().counters();
    ask();
    lab_.loop().watch(reflector_.descriptor(), [this] { take_far_side(); });
    Loop::Clock::time_point limit = Loop::Clock::now() + longest();
    look_again();
    const bool done = lab_.loop().run_until(
        [this] { return std::ranges::all_of(measurers_, [](const auto& each) { return each.ended(); }); }, limit);
    *over_ = true;
    lab_.loop().forget(reflector_.descriptor());
    for (auto& measurer : measurers_) lab_.loop().forget(measurer.descriptor());
    if (!done) throw Failure(Exit::software, "the measuring program did not come to an end");
    take_far_side();
    count();
    for (const auto& declaration : declarations_) {
      if (!measured_.answers[declaration.client].contains(declaration.question.id)) {
        const auto who = std::ranges::find(measurers_, declaration.client, &Measurer::host);
        throw Failure(Exit::software, fmt::format("the measuring program on {} left '{}' without an answer ({})",
                                                  declaration.client, declaration.what, who->ending()));
      }
    }
    return blueprint::compare(declarations_, measured_);
  }

 private:
  void ask() {
    std::map<std::string, std::vector<measure::Question>> questions;
    for (const auto& declaration : declarations_) {
      questions[declaration.client].push_back(declaration.question);
      if (declaration.counter) {
        ++shared_[*declaration.counter];
        silent_[declaration.client].push_back(declaration.question.id);
      } else {
        open_.insert({declaration.client, declaration.question.id});
      }
    }
    for (auto& [client, asked] : questions) {
      auto& measurer = measurers_.emplace_back(lab_, client, std::vector<std::string>{"measure"});
      lab_.loop().watch(measurer.descriptor(), [this, &measurer] { take_answers(measurer); });
      measurer.tell(wire::encode_job(asked));
    }
  }

  void take_answers(Measurer& measurer) {
    while (const auto line = measurer.line()) {
      auto answer = wire::decode_answer(*line);
      if (!answer)
        throw Failure(Exit::software, fmt::format("the measuring program said '{}': {}", *line, answer.complaint()));
      open_.erase({measurer.host(), answer->id});
      measured_.answers[measurer.host()].insert_or_assign(answer->id, *answer);
    }
    if (measurer.ended()) lab_.loop().forget(measurer.descriptor());
  }

  void take_far_side() {
    while (const auto line = reflector_.line()) {
      boost::system::error_code error;
      const auto seen = boost::json::parse(*line, error);
      const auto* object = error ? nullptr : seen.if_object();
      const auto* token = object != nullptr ? object->if_contains("token") : nullptr;
      if (token != nullptr && token->is_string()) measured_.far_side.emplace_back(token->as_string());
    }
  }

  // The difference of the counters that a declared silence depends on.
  void count() {
    const auto now = lab_.network().counters();
    for (const auto& [counter, sharing] : shared_) {
      const std::string name = counter.host + "/" + counter.name;
      const auto found = now.find(name);
      if (found == now.end()) throw Failure(Exit::software, fmt::format("there is no counter {}", name));
      const auto first = before_.find(name);
      measured_.counted[counter] = found->second.packets - (first == before_.end() ? 0 : first->second.packets);
    }
  }

  bool drops_are_proved() const {
    return std::ranges::all_of(shared_, [this](const auto& entry) {
      const auto counted = measured_.counted.find(entry.first);
      return counted != measured_.counted.end() && counted->second >= entry.second;
    });
  }

  // Once every packet that should vanish has been counted by the rule that swallows it, and what should be answered has
  // been, there is nothing left to wait for.
  void look_again() {
    if (silent_.empty()) return;
    lab_.loop().at(Loop::Clock::now() + kLook, [this, over = over_] {
      if (*over) return;
      count();
      if (!open_.empty() || !drops_are_proved()) return look_again();
      for (auto& measurer : measurers_) {
        const auto found = silent_.find(measurer.host());
        if (found != silent_.end() && !measurer.ended()) measurer.tell(wire::encode_conclude(found->second));
      }
    });
  }

  Duration longest() const {
    Duration sum = 10s;
    for (const auto& declaration : declarations_) sum += declaration.question.deadline;
    return sum;
  }

  Lab& lab_;
  std::vector<Declaration> declarations_;
  Measurer& reflector_;
  std::deque<Measurer> measurers_;
  Counts before_;
  blueprint::Measured measured_;
  std::map<CounterName, std::uint64_t> shared_;                 // how many declared silences one counter stands for
  std::map<std::string, std::vector<std::string>> silent_;      // questions that must stay without an answer, by client
  std::set<std::pair<std::string, std::string>> open_;          // questions that must get one, and have not
  std::shared_ptr<bool> over_ = std::make_shared<bool>(false);  // the loop may look again when this is gone
};

}  // namespace

std::vector<blueprint::Row> measure(Lab& lab, const model::Scenario& scenario, blueprint::Form form) {
  auto reflector = start_reflector(lab, scenario);
  return measure(lab, scenario, form, reflector);
}

std::vector<blueprint::Row> measure(Lab& lab, const model::Scenario& scenario, blueprint::Form form,
                                    Measurer& reflector) {
  return Measuring(lab, scenario, form, reflector).run();
}

}  // namespace crypelab::lab
