#pragma once

#include "harness/base/descriptor.h"
#include "harness/blueprint/declared.h"
#include "harness/lab/network.h"

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace crypelab::measured_lab {

// The measuring program, running on a host of a network; ended with the object.
class ProbeProcess {
 public:
  ProbeProcess(const kernel::NetworkNamespace& on, const std::vector<std::string>& words);
  ProbeProcess(const ProbeProcess&) = delete;
  ProbeProcess& operator=(const ProbeProcess&) = delete;
  ~ProbeProcess();

  int output() const { return output_.get(); }
  void say(const std::string& line) const;
  // The next lines that are there, without waiting. Sets `ended` at the end of the output.
  std::vector<std::string> lines(bool& ended);

 private:
  pid_t pid_ = -1;
  Descriptor input_;
  Descriptor output_;
  std::string rest_;
};

// Builds the networks of one scenario and measures them as the lab would, against what another one declares. DNS is
// left out: no resolver runs here.
struct Comparison {
  std::vector<blueprint::Row> rows;
  Duration elapsed{0};  // from the job to the last answer

  // What does not agree, one line each.
  std::string disagreements() const;
  const blueprint::Row& row(const std::string& what) const;
};
Comparison measure(const model::Scenario& real, const model::Scenario& declared, blueprint::Form form,
                   const std::vector<std::string>& only = {});

// What alice's machine answers to one question.
measure::Finding ask(const model::Scenario& real, const measure::Ask& question);

}  // namespace crypelab::measured_lab
