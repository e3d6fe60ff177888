#include "measured_network.h"

#include "harness/base/error.h"
#include "harness/wire/measure_json.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::measured_lab {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string between(const std::string& text, const std::string& before) {
  const auto from = text.find(before);
  if (from == std::string::npos) return "";
  return text.substr(from + before.size(), text.find('"', from + before.size()) - from - before.size());
}

// A user namespace of one user and one group cannot say which groups may ping; nobody pings here.
blueprint::Blueprint drawn(const model::Scenario& scenario) {
  auto plan = blueprint::draw(scenario);
  for (auto& host : plan.hosts) {
    std::erase_if(host.sysctls, [](const auto& sysctl) { return sysctl.path == "ipv4/ping_group_range"; });
  }
  return plan;
}

// The answers of one client and the lines of the reflector, until the client ends.
class Measurement {
 public:
  Measurement(const model::Scenario& real, std::vector<blueprint::Declaration> declarations)
      : declarations_(std::move(declarations)),
        network_(drawn(real)),
        reflector_(network_.host("reflector"), blueprint::reflector_arguments(real)) {
    const auto deadline = Clock::now() + 10s;
    while (!ready_ && Clock::now() < deadline) {
      wait(100ms, {});
      read_reflector();
    }
    if (!ready_) throw Failure(Exit::software, "the reflector does not get ready");
    before_ = network_.counters();
  }

  Comparison run() {
    ProbeProcess probe(network_.host("alice"), {"measure"});
    std::vector<measure::Question> questions;
    for (const auto& declaration : declarations_) questions.push_back(declaration.question);
    const auto begin = Clock::now();
    probe.say(wire::encode_job(questions));
    bool ended = false;
    bool concluded = false;
    while (!ended) {
      if (Clock::now() > begin + 60s) throw Failure(Exit::software, "the measurement does not end");
      wait(2ms, probe.output());
      for (const auto& line : probe.lines(ended)) {
        const auto answer = wire::decode_answer(line);
        if (!answer) throw Failure(Exit::software, answer.complaint());
        measured_.answers["alice"][answer->id] = *answer;
      }
      read_reflector();
      count();
      if (!ended && !concluded && all_but_silence_is_known()) {
        concluded = true;
        probe.say(wire::encode_conclude(silent_));
      }
    }
    const auto elapsed = std::chrono::duration_cast<Duration>(Clock::now() - begin);
    for (const auto& declaration : declarations_) {
      if (measured_.answers["alice"].contains(declaration.question.id)) continue;
      throw Failure(Exit::software, "no answer to " + declaration.question.id + ", " + declaration.what);
    }
    return {blueprint::compare(declarations_, measured_), elapsed};
  }

  measure::Finding answer(const std::string& id) {
    run();
    return measured_.answers["alice"].at(id).finding;
  }

 private:
  void wait(Clock::duration at_most, std::optional<int> other) const {
    std::array<pollfd, 2> polled{{{reflector_.output(), POLLIN, 0}, {other.value_or(-1), POLLIN, 0}}};
    ::poll(polled.data(), polled.size(),
           static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(at_most).count()));
  }

  void read_reflector() {
    bool ended = false;
    for (const auto& line : reflector_.lines(ended)) {
      if (line.find("\"ready\"") != std::string::npos) ready_ = true;
      if (const auto token = between(line, R"("token":")"); !token.empty()) measured_.far_side.push_back(token);
    }
    if (ended) throw Failure(Exit::software, "the reflector has ended");
  }

  void count() {
    for (const auto& [name, now] : network_.counters()) {
      const auto slash = name.find('/');
      measured_.counted[{name.substr(0, slash), name.substr(slash + 1)}] = now.packets - before_[name].packets;
    }
  }

  bool all_but_silence_is_known() {
    silent_.clear();
    std::map<blueprint::CounterName, std::uint64_t> needed;
    for (const auto& declaration : declarations_) {
      if (declaration.counter) {
        ++needed[*declaration.counter];
        silent_.push_back(declaration.question.id);
      } else if (!measured_.answers["alice"].contains(declaration.question.id)) {
        return false;
      }
    }
    return !needed.empty() && std::ranges::all_of(needed, [&](const auto& entry) {
      return measured_.counted[entry.first] >= entry.second;
    });
  }

  std::vector<blueprint::Declaration> declarations_;
  lab::Network network_;
  ProbeProcess reflector_;
  bool ready_ = false;
  lab::Counts before_;
  blueprint::Measured measured_;
  std::vector<std::string> silent_;
};

}  // namespace

ProbeProcess::ProbeProcess(const kernel::NetworkNamespace& on, const std::vector<std::string>& words) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in.data()) != 0) throw_errno("socketpair");
  input_ = Descriptor(in[1]);
  const Descriptor its_input(in[0]);
  if (::pipe2(out.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  output_ = Descriptor(out[0]);
  const Descriptor its_output(out[1]);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> arguments{CRYPELAB_BIN "/crypelab-probe"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, its_input.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, its_output.get(), 1);
  const kernel::InNamespace inside(on);
  const int error = ::posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw_system_error(arguments[0], error);
}

ProbeProcess::~ProbeProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ProbeProcess::say(const std::string& line) const {
  const auto text = line + "\n";
  for (std::size_t at = 0; at < text.size();) {
    // MSG_NOSIGNAL: it may have ended of itself just now, and then has nothing left to be told.
    const auto size = ::send(input_.get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (size < 0 && errno == EPIPE) return;
    if (size < 0) throw_errno("write to the measuring program");
    at += static_cast<std::size_t>(size);
  }
}

std::vector<std::string> ProbeProcess::lines(bool& ended) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size == 0) ended = true;
    if (size <= 0) break;
    rest_.append(buffer.data(), static_cast<std::size_t>(size));
  }
  std::vector<std::string> lines;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
    lines.push_back(rest_.substr(0, end));
    rest_.erase(0, end + 1);
  }
  return lines;
}

std::string Comparison::disagreements() const {
  std::string text = rows.empty() ? "nothing was asked" : "";
  for (const auto& row : rows) {
    if (!row.agrees) {
      text += fmt::format("{}: declared {}; measured {}; {}\n", row.what, row.declared, row.measured, row.note);
    }
  }
  return text;
}

const blueprint::Row& Comparison::row(const std::string& what) const {
  const auto found = std::ranges::find(rows, what, &blueprint::Row::what);
  if (found == rows.end()) throw Failure(Exit::software, "nobody asked for '" + what + "'");
  return *found;
}

Comparison measure(const model::Scenario& real, const model::Scenario& declared, blueprint::Form form,
                   const std::vector<std::string>& only) {
  auto declarations = blueprint::declare(declared, form);
  std::erase_if(declarations, [&](const auto& declaration) {
    const bool wanted =
        only.empty() || std::ranges::any_of(only, [&](const auto& what) { return declaration.what.starts_with(what); });
    return !wanted || std::holds_alternative<measure::Resolve>(declaration.question.ask);
  });
  for (auto& declaration : declarations) {  // what is waited for may have been left out
    std::erase_if(declaration.question.after, [&](const auto& id) {
      return std::ranges::none_of(declarations, [&](const auto& other) { return other.question.id == id; });
    });
  }
  return Measurement(real, std::move(declarations)).run();
}

measure::Finding ask(const model::Scenario& real, const measure::Ask& question) {
  return Measurement(real, {{"office", "alice", "", {"q", 4s, {}, {}, question}, blueprint::ExpectReach{}, {}, 0}})
      .answer("q");
}

}  // namespace crypelab::measured_lab
