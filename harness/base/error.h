#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace crypelab {

// The exit statuses of the whole program, one table (sysexits.h where it has a word for it).
enum class Exit : int {
  ok = 0,
  failed = 1,
  inconclusive = 2,
  usage = 64,        // bad usage, or a selection that matches nothing
  data = 65,         // bad scenario or evidence
  unavailable = 69,  // a needed program is missing or did not start
  software = 70,     // a defect of ours
  os = 71,           // the kernel refused what it should not
  exists = 73,       // the folder for the evidence holds something already: sysexits.h EX_CANTCREAT
  io = 74,           // full disk, broken pipe
  privilege = 77,    // a privilege is missing
};

// Thrown when the lab itself broke or was asked for the impossible; what a client did is never an exception.
// `what()` is meant for the person at the terminal: what happened, and what to do about it.
class Failure : public std::runtime_error {
 public:
  Failure(Exit exit, const std::string& text) : std::runtime_error(text), exit_(exit) {}
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
};

// Throws Failure{Exit::os} (Exit::privilege for EPERM and EACCES, Exit::io for ENOSPC) saying "what: strerror(error)".
[[noreturn]] void throw_system_error(std::string_view what, int error);
// The same with the current errno.
[[noreturn]] void throw_errno(std::string_view what);

}  // namespace crypelab
