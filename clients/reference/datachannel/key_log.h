#pragma once

#include "harness/base/descriptor.h"

#include <string>
#include <string_view>

namespace crypelab::client::datachannel {

// The file that SSLKEYLOGFILE names, as curl and NSS write it: a capture of the call can then be read. Lines of several
// processes do not mix.
class KeyLog {
 public:
  KeyLog() = default;
  // Without a path, or when it cannot be opened, nothing is logged.
  explicit KeyLog(const std::string& path);
  bool open() const { return static_cast<bool>(file_); }
  void write(std::string_view line) const;

 private:
  Descriptor file_;
};

}  // namespace crypelab::client::datachannel
