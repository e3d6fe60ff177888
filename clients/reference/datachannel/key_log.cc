#include "clients/reference/datachannel/key_log.h"

#include <fcntl.h>
#include <unistd.h>

namespace crypelab::client::datachannel {

KeyLog::KeyLog(const std::string& path)
    : file_(path.empty() ? -1 : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {}

void KeyLog::write(std::string_view line) const {
  const std::string whole = std::string(line) + "\n";
  if (::write(file_.get(), whole.data(), whole.size()) < 0) return;  // a log that is full stops nothing
}

}  // namespace crypelab::client::datachannel
