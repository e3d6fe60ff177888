#include "harness/base/error.h"
#include "harness/gate/border.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>

#include <sys/signalfd.h>

using namespace crypelab;

// crypelab-gate CONFIGURATION: judges the packets of its queue until SIGTERM.
int main(int argc, char** argv) {
  try {
    if (argc != 2) throw Failure(Exit::usage, "usage: crypelab-gate CONFIGURATION");
    std::ifstream file(argv[1]);
    if (!file) throw Failure(Exit::data, std::string("cannot read ") + argv[1]);
    std::stringstream text;
    text << file.rdbuf();
    const auto configuration = gate::parse_configuration(text.str());
    if (!configuration) throw Failure(Exit::data, configuration.complaint());
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const auto stop = checked(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
    gate::Border border(*configuration);
    std::puts(R"({"event":"ready"})");
    std::fflush(stdout);
    border.run(stop.get());
    return 0;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "crypelab-gate: %s\n", failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crypelab-gate: %s\n", error.what());
    return static_cast<int>(Exit::software);
  }
}
