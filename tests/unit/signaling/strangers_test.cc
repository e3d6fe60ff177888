#include "running_server.h"

#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

namespace crypelab::signaling::strangers_test {
namespace {

TEST(Strangers, the_websockets_package_of_python_speaks_with_the_server) {
  const RunningServer server;
  const std::string command = fmt::format("/usr/bin/python3 {}/tests/unit/signaling/websockets_client.py {} {}",
                                          CRYPELAB_SOURCE, server.port(), server.certificate().string());
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << server.log();
}

}  // namespace
}  // namespace crypelab::signaling::strangers_test
