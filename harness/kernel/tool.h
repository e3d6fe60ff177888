#pragma once

#include "harness/base/descriptor.h"
#include "harness/kernel/network_namespace.h"

#include <string>
#include <vector>

#include <sys/types.h>

namespace crypelab::kernel {

// One run of a system administrator's tool (nft) inside a network namespace, with CAP_NET_ADMIN and nothing else of the
// lab's: no descriptor, no environment. It runs beside its creator until finish(); many may run at once.
class Tool {
 public:
  struct Outcome {
    int status = 0;      // exit status, or 128 + signal
    std::string output;  // standard output and standard error, as they came
  };

  // `arguments[0]` is the tool's name, looked for in the system's directories and then in PATH. `input` is its standard
  // input. Throws Failure: Exit::unavailable with `package` to install if there is no such tool, Exit::privilege
  // without CAP_NET_ADMIN.
  Tool(const NetworkNamespace& in, const std::vector<std::string>& arguments, const std::string& input,
       const std::string& package);
  // Waits for its end, at most 30 seconds. Throws Failure if it had to be killed.
  Outcome finish();
  // Kills it if it still runs.
  ~Tool();
  Tool(Tool&& other) noexcept;
  Tool& operator=(Tool&&) = delete;

 private:
  std::string name_;
  Descriptor input_;
  Descriptor output_;
  Descriptor process_;
  pid_t pid_ = -1;
};

}  // namespace crypelab::kernel
