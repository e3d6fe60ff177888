#include "clients/signaling/server.h"
#include "harness/base/error.h"

#include <csignal>
#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace crypelab;
  // A connection that breaks is an error code, not the end of the server.
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return static_cast<int>(Exit::os);
  try {
    std::string help;
    signaling::Settings settings = signaling::settings_from(argc, argv, help);
    if (!help.empty()) {
      std::fputs(help.c_str(), stdout);
      return static_cast<int>(Exit::ok);
    }
    signaling::Server server(std::move(settings));
    server.run(true);
    return static_cast<int>(Exit::ok);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "crypelab-signaling: %s\n", failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crypelab-signaling: %s\n", error.what());
    return static_cast<int>(Exit::software);
  }
}
