#include "harness/evidence/attempt_folder.h"

#include "harness/base/error.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/evidence/attempt_writer.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace crypelab::evidence {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, int error) {
  throw Failure(Exit::io, fmt::format("cannot write {}: {}", path.string(), std::strerror(error)));
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail(path, error.value());
}

class File {
 public:
  explicit File(fs::path path)
      : path_(std::move(path)), file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
    if (!file_) fail(path_, errno);
  }
  void write(std::string_view text) {
    while (!text.empty()) {
      const auto size = ::write(file_.get(), text.data(), text.size());
      if (size < 0) fail(path_, errno);
      text.remove_prefix(static_cast<std::size_t>(size));
    }
  }

 private:
  fs::path path_;
  Descriptor file_;
};

}  // namespace

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  make_folders(path_);
  lock_ = Descriptor(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock_) fail(path_, errno);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) fail(path_, errno);
    throw Failure(Exit::exists,
                  fmt::format("another run writes into {}; choose another folder with --out", path_.string()));
  }
  std::error_code error;
  if (!fs::is_empty(path_, error)) {
    throw Failure(Exit::exists,
                  fmt::format("{} is not empty, and evidence is never overwritten; choose another folder with --out",
                              path_.string()));
  }
}

fs::path RunFolder::attempt(const std::string& scenario, unsigned number) const {
  return path_ / scenario / fmt::format("attempt-{}", number);
}

void make_attempt_folder(const fs::path& folder) {
  make_folders(folder.parent_path());
  std::error_code error;
  if (fs::create_directory(folder, error)) return;
  if (error) fail(folder, error.value());
  throw Failure(Exit::exists, fmt::format("{} is there already, and evidence is never overwritten", folder.string()));
}

void put_file(const fs::path& folder, const std::string& name, std::string_view text) {
  const auto path = folder / name;
  make_folders(path.parent_path());
  File(path).write(text);
}

void put_evidence(const fs::path& folder, const Attempt& attempt, const Redaction& redaction) {
  const auto whole = folder / kEvidenceFile;
  const auto part = folder / (std::string(kEvidenceFile) + ".part");
  {
    File file(part);
    std::string buffer;
    constexpr std::size_t piece = 64 * 1024;
    encode(attempt, redaction, [&](std::string_view text) {
      buffer += text;
      if (buffer.size() < piece) return;
      file.write(buffer);
      buffer.clear();
    });
    file.write(buffer);
  }
  // A file of this name is whole.
  if (rename(part.c_str(), whole.c_str()) != 0) fail(whole, errno);
}

}  // namespace crypelab::evidence
