#pragma once

#include "harness/evidence/redaction.h"
#include "harness/kernel/host_view.h"
#include "harness/kernel/program.h"
#include "harness/lab/line_reader.h"
#include "harness/lab/network.h"
#include "harness/lab/secrets.h"
#include "harness/lab/trust.h"
#include "harness/services/process.h"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crypelab::lab {

// A program of the world, running: constructed means started, destroyed means gone. It sees its host's network, the
// files of its plan, and nothing of any other program.
class Service {
 public:
  // Where "{dir}" leads in its view, and where its own files lie.
  static constexpr const char* kFolder = "/var/lib/service";

  // What it is to see; `identity` is its own.
  static kernel::HostViewPlan view_of(const services::Process& plan, const blueprint::Blueprint& blueprint,
                                      const Network& network, kernel::Identity identity, Trust& trust,
                                      Secrets& secrets);
  // `view` is what was built by view_of(). Throws Failure{unavailable} with what to install when the program is not
  // there.
  Service(const services::Process& plan, const Network& network, kernel::Identity identity, kernel::HostView view,
          const evidence::Redaction& redaction);

  const services::Process& plan() const { return plan_; }

  // Whether it is ready, asked without waiting; stays true. Throws Failure{unavailable}, with its last words, when it
  // has ended.
  bool ready();
  // Begins the question of readiness anew; false when there is none that could be asked again. When answered() says so,
  // the program has dealt with what came before, as far as it does one thing after the other.
  bool ask_again();
  bool answered();
  // Readable when the program has written something or has ended.
  int output() const { return output_.descriptor(); }
  int end() const { return program_->descriptor(); }
  // Is given the lines that are kept, and every line from now on.
  void watch_lines(std::function<void(std::string_view line)> told);
  // Takes what it has written: what its lines say, if they are made for machines. The last thousand lines are kept.
  std::vector<model::Event> read_output();
  // Its end begins, and is over when it is destroyed.
  void condemn() { program_->condemn(); }
  // For who lets many views go at once; it can neither be restarted nor rewritten afterwards.
  kernel::HostView take_view() { return std::move(view_); }
  // How it ended, if it has.
  std::optional<kernel::ProgramStatus> ended() { return program_->poll(); }
  std::string last_words() const;  // without secrets

  // Kills it and starts it again, with the files as they are; output() and end() are new ones. What it had written is
  // to be taken before.
  void restart();
  // Replaces one of its files, and tells it.
  void rewrite(const services::File& file);

 private:
  void start();
  // Each asks, and looks for the answer when called again: a question that nobody took is asked anew. An answer is one
  // when it begins with the byte `first`, if one is given.
  bool answers(const Endpoint& server, int type, std::string_view question, int first = -1);

  services::Process plan_;
  const Network* network_;
  const evidence::Redaction* redaction_;
  kernel::HostView view_;
  LineReader output_;
  kernel::ProgramPlan program_plan_;
  std::optional<kernel::Program> program_;
  Descriptor asking_;  // a question is under way on this socket
  std::string hello_;  // that question, where it is one of TLS
  std::chrono::steady_clock::time_point asked_{};
  std::deque<std::string> lines_;
  std::function<void(std::string_view)> told_;
  bool first_answered_ = false;  // of the two that some readiness asks for
  bool ready_ = false;
};

}  // namespace crypelab::lab
