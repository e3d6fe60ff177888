#include "told.h"

#include "harness/base/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace crypelab::test {

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto written = write(to, text.data(), text.size());
    if (written < 0) throw_errno("write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

Told told_by(const std::function<int(kernel::Supervised&, int output)>& body) {
  char name[] = "/tmp/crypelab-test-XXXXXX";
  const Descriptor output(mkostemp(name, O_APPEND | O_CLOEXEC));
  if (!output) throw_errno("mkostemp");
  unlink(name);
  // Programs of a lab open it by their own uid.
  if (fchmod(output.get(), 0666) != 0) throw_errno("fchmod");
  Told told;
  told.status = kernel::supervise([&](kernel::Supervised& supervised) { return body(supervised, output.get()); });
  char chunk[65536];
  for (off_t at = 0;;) {
    const auto size = pread(output.get(), chunk, sizeof chunk, at);
    if (size <= 0) return told;
    told.text.append(chunk, static_cast<std::size_t>(size));
    at += size;
  }
}

}  // namespace crypelab::test
