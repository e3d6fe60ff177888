#include "harness/probe/measure.h"

#include "harness/base/error.h"
#include "harness/probe/attempt.h"
#include "harness/probe/output.h"
#include "harness/wire/measure_json.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <random>
#include <set>

#include <poll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace crypelab::probe {
namespace {

constexpr std::size_t kSideBySide = 256;  // questions; of a dozen sockets each at most, but for lifetimes

class MeasureLoop {
 public:
  explicit MeasureLoop(std::vector<measure::Question> questions, std::string rest)
      : questions_(std::move(questions)), input_(std::move(rest)) {}
  void run();

 private:
  struct Running {
    std::size_t question = 0;
    Time begin{0};
    std::unique_ptr<Attempt> attempt;
    bool concluded = false;
    std::size_t descriptors = 0;
  };

  void start_what_may();
  void finish_what_is_over(Time now);
  void wait();
  void read_input();
  void conclude(const std::vector<std::string>& ids);

  std::vector<measure::Question> questions_;
  std::string input_;
  bool input_open_ = true;
  Output output_;
  std::vector<Running> running_;
  std::set<std::string, std::less<>> answered_;
  std::set<std::size_t> waiting_;
  std::mt19937_64 random_{std::random_device{}()};
};

void MeasureLoop::start_what_may() {
  for (auto at = waiting_.begin(); at != waiting_.end() && running_.size() < kSideBySide;) {
    const auto& question = questions_[*at];
    if (!std::ranges::all_of(question.after, [&](const auto& id) { return answered_.contains(id); })) {
      ++at;
      continue;
    }
    const Time begin = now();
    running_.push_back({*at, begin, make_attempt(question, random_()), false, 0});
    running_.back().attempt->start(begin);
    at = waiting_.erase(at);
  }
}

void MeasureLoop::finish_what_is_over(Time at) {
  std::erase_if(running_, [&](const Running& running) {
    const auto& question = questions_[running.question];
    const bool over = running.attempt->done() || running.concluded || at - running.begin >= question.deadline;
    if (over) {
      output_.line(wire::encode_answer({question.id, at - running.begin, running.attempt->finding()}));
      answered_.insert(question.id);
    }
    return over;
  });
}

void MeasureLoop::conclude(const std::vector<std::string>& ids) {
  for (auto& running : running_) {
    const auto& id = questions_[running.question].id;
    if (ids.empty() || std::ranges::find(ids, id) != ids.end()) running.concluded = true;
  }
}

void MeasureLoop::read_input() {
  std::array<char, 4096> buffer{};
  const auto size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (size <= 0) {
    input_open_ = false;
    return;
  }
  input_.append(buffer.data(), static_cast<std::size_t>(size));
  for (auto end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
    if (const auto ids = wire::decode_conclude(std::string_view(input_).substr(0, end))) conclude(*ids);
    input_.erase(0, end + 1);
  }
  if (input_.size() > wire::max_job_size) input_open_ = false;
}

void MeasureLoop::wait() {
  std::vector<pollfd> descriptors{{input_open_ ? STDIN_FILENO : -1, POLLIN, 0}};
  std::optional<Time> next;
  const auto sooner = [&next](Time at) {
    if (!next || at < *next) next = at;
  };
  for (auto& running : running_) {
    const auto before = descriptors.size();
    running.attempt->wait_for(descriptors);
    running.descriptors = descriptors.size() - before;
    sooner(running.begin + questions_[running.question].deadline);
    if (const auto at = running.attempt->next()) sooner(*at);
  }
  const auto left = std::max<Duration>(next.value_or(now()) - now(), Duration(0));
  const timespec timeout{left.count() / 1'000'000, left.count() % 1'000'000 * 1000};
  if (::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr) < 0 && errno != EINTR) throw_errno("ppoll");

  if (descriptors[0].revents != 0) read_input();
  std::size_t first = 1;
  for (auto& running : running_) {
    const auto of_this = std::span<const pollfd>(descriptors).subspan(first, running.descriptors);
    first += running.descriptors;
    const Time at = now();
    if (std::ranges::any_of(of_this, [](const auto& entry) { return entry.revents != 0; })) {
      running.attempt->ready(of_this, at);
    }
    const auto due = running.attempt->next();
    if (!running.attempt->done() && due && *due <= at) running.attempt->wake(at);
  }
}

void MeasureLoop::run() {
  for (std::size_t i = 0; i < questions_.size(); ++i) waiting_.insert(i);
  while (true) {
    start_what_may();
    finish_what_is_over(now());
    if (!output_.flush()) return;
    if (running_.empty() && waiting_.empty()) return;
    if (!running_.empty()) wait();
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // poll() is used, so a high number does no harm
}

}  // namespace

int measure() {
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  std::string input;
  std::array<char, 65536> buffer{};
  while (input.find('\n') == std::string::npos && input.size() <= wire::max_job_size) {
    const auto size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) {  // whoever started this may have left the pipe like that
      pollfd more{STDIN_FILENO, POLLIN, 0};
      ::poll(&more, 1, -1);
      continue;
    }
    if (size <= 0) break;
    input.append(buffer.data(), static_cast<std::size_t>(size));
  }
  const auto end = std::min(input.find('\n'), input.size());
  auto questions = wire::decode_job(std::string_view(input).substr(0, end));
  if (!questions) throw Failure(Exit::data, questions.complaint());
  MeasureLoop(std::move(*questions), input.substr(std::min(end + 1, input.size()))).run();
  return 0;
}

}  // namespace crypelab::probe
