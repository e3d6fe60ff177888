#pragma once

#include "harness/base/descriptor.h"
#include "harness/lab/lab.h"
#include "harness/lab/line_reader.h"
#include "harness/model/scenario.h"

#include <optional>
#include <string>
#include <vector>

namespace crypelab::lab {

// The measuring program on a host, with pipes to talk to it; ended with this.
class Measurer {
 public:
  // `words`: "measure", or "reflect" and what follows. Throws Failure.
  Measurer(Lab& lab, std::string host, std::vector<std::string> words);

  const std::string& host() const { return host_; }
  // Readable when there may be a line.
  int descriptor() const { return lines_.descriptor(); }
  std::optional<std::string> line() { return lines_.next(); }
  bool ended() const { return lines_.ended(); }
  // A line of its input; nothing happens when it has ended.
  void tell(std::string text);
  // How it ended, for messages.
  std::string ending();

 private:
  std::string host_;
  Descriptor input_;
  LineReader lines_;
  std::optional<kernel::Program> program_;
};

// The far side, which listens when this returns. Throws Failure{unavailable} when it does not start.
Measurer start_reflector(Lab& lab, const model::Scenario& scenario);

}  // namespace crypelab::lab
