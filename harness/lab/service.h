#pragma once

#include "harness/kernel/host_view.h"
#include "harness/kernel/program.h"
#include "harness/lab/network.h"
#include "harness/services/process.h"

#include <deque>
#include <optional>
#include <string>

namespace crypelab::lab {

// A program of the world, running: constructed means started, destroyed means gone. It sees its host's network, the
// files of its plan, and nothing of any other program.
class Service {
 public:
  // Where "{dir}" leads in its view, and where its own files lie.
  static constexpr const char* kFolder = "/var/lib/service";

  // `identity` is its own. Throws Failure{unavailable} with what to install when the program is not there.
  Service(const services::Process& plan, const blueprint::Blueprint& blueprint, const Network& network,
          kernel::Identity identity, const std::string& authorities);

  const services::Process& plan() const { return plan_; }

  // Whether it is ready, asked without waiting; stays true. Throws Failure{unavailable}, with its last words, when it
  // has ended.
  bool ready();
  // Readable when the program has written something or has ended.
  int output() const { return output_.get(); }
  int end() const { return program_->descriptor(); }
  // Takes what it has written. Lines that are complete go to `lines_`, of which the last hundred are kept.
  void read_output();
  // How it ended, if it has.
  std::optional<kernel::ProgramStatus> ended() { return program_->poll(); }
  std::string last_words() const;

  // Replaces one of its files, and tells it.
  void rewrite(const services::File& file);

 private:
  bool answers_dns(const services::AnswersDns& readiness);

  services::Process plan_;
  const Network* network_;
  std::optional<kernel::HostView> view_;
  Descriptor output_;
  std::optional<kernel::Program> program_;
  Descriptor asking_;  // a question is under way on this socket
  std::deque<std::string> lines_;
  std::string unfinished_;
  bool ready_ = false;
};

}  // namespace crypelab::lab
