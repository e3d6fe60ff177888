#include "harness/base/error.h"

#include <cerrno>
#include <system_error>

namespace crypelab {

void throw_system_error(std::string_view what, int error) {
  Exit exit = Exit::os;
  if (error == EPERM || error == EACCES) exit = Exit::privilege;
  if (error == ENOSPC) exit = Exit::io;
  throw Failure(exit, std::string(what) + ": " + std::generic_category().message(error));
}

void throw_errno(std::string_view what) { throw_system_error(what, errno); }

}  // namespace crypelab
