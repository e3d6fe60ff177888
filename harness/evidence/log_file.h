#pragma once

#include "harness/base/descriptor.h"
#include "harness/evidence/redaction.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace crypelab::evidence {

// What a program wrote, line by line, without secrets. Bounded: a line that is longer than 64 KiB is left out, and
// beyond 16 MiB everything; both are said where it happens.
class LogFile {
 public:
  static constexpr std::size_t kLongestLine = 64 * 1024;
  static constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;

  // Throws Failure{io}; a file that is there is never replaced.
  LogFile(const std::filesystem::path& file, const Redaction& redaction);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // Bytes as they come, or a whole line without its end.
  void take(std::string_view bytes);
  void take_line(std::string_view line);

 private:
  void flush();

  const Redaction* redaction_;
  Descriptor file_;
  std::string pending_;
  bool skipping_ = false;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

}  // namespace crypelab::evidence
