#pragma once

#include "harness/base/descriptor.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <sys/types.h>

namespace crypelab::client {

// A folder of its own, gone with everything in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(std::string_view name) const { return (path_ / name).string(); }
  void write(std::string_view name, std::string_view text) const;
  std::string read(std::string_view name) const;

 private:
  std::filesystem::path path_;
};

// A process whose output lines are read as they come. Killed with the object.
class Program {
 public:
  // `input` is given on standard input, then its end.
  Program(const std::vector<std::string>& command, std::string_view input,
          const std::vector<std::string>& environment = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }
  const std::vector<std::string>& lines() const { return lines_; }
  std::string errors() const;
  // Reads on until the fact holds; false after `most`, or when the output has ended without it.
  bool wait(const std::function<bool()>& fact, std::chrono::milliseconds most = std::chrono::seconds(30));
  bool wait_for_text(std::string_view text, std::chrono::milliseconds most = std::chrono::seconds(30));
  // Waits for the end: the exit status, 128 + the signal; nothing after `most`.
  std::optional<int> exit_status(std::chrono::milliseconds most = std::chrono::seconds(30));
  void signal(int number) const;

  // Lines that are events of that name.
  std::vector<boost::json::object> events(std::string_view name) const;
  std::optional<boost::json::object> event(std::string_view name) const;

 private:
  bool read_some(std::chrono::milliseconds most);

  pid_t pid_ = -1;
  Descriptor output_;
  Descriptor errors_;
  std::string partial_;
  std::vector<std::string> lines_;
  std::optional<int> status_;
};

// A TCP and UDP port of 127.0.0.1 that nobody has.
std::uint16_t free_port();
// A fresh self-signed certificate for localhost and 127.0.0.1 as `certificate.pem` and `key.pem` in the folder.
void write_certificate(const Folder& folder);

}  // namespace crypelab::client
