#include "harness/evidence/log_file.h"

#include "harness/base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::evidence {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

}  // namespace

LogFile::LogFile(const std::filesystem::path& file, const Redaction& redaction) : redaction_(&redaction) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  file_ = Descriptor(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file_) throw Failure(Exit::io, fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
}

LogFile::~LogFile() {
  if (!pending_.empty()) take_line(std::exchange(pending_, {}));
  flush();
}

void LogFile::take(std::string_view bytes) {
  for (;;) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    if (!skipping_ && pending_.size() + piece.size() > kLongestLine) {
      // All of it: where it would be cut off, a secret could be cut in two.
      take_line(fmt::format("(a line of more than {} bytes, left out)", kLongestLine));
      pending_.clear();
      skipping_ = true;
    }
    if (!skipping_) pending_ += piece;
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (!std::exchange(skipping_, false)) take_line(std::exchange(pending_, {}));
  }
}

void LogFile::take_line(std::string_view line) {
  if (written_ > kMostBytes) return;
  const auto size = buffer_.size();
  buffer_ += (*redaction_)(line);
  buffer_ += '\n';
  written_ += buffer_.size() - size;
  if (written_ > kMostBytes) buffer_ += fmt::format("(more than {} bytes; the rest is left out)\n", kMostBytes);
  if (buffer_.size() >= kBuffer) flush();
}

// A full disk loses lines of a log, not the verdict.
void LogFile::flush() {
  for (std::string_view rest = buffer_; !rest.empty();) {
    const auto size = write(file_.get(), rest.data(), rest.size());
    if (size < 0) break;
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  buffer_.clear();
}

}  // namespace crypelab::evidence
