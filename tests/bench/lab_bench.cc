// What a whole lab costs: `crypelab exec SCENARIO -- true` for two sites with NAT and resolvers, from nothing to
// nothing, beside the floor of any lab: unshare(1) with the same kinds of namespaces and one program.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kScenario = R"(
scenario: bench/two-sites
title: Two sites behind ordinary NATs
proves: what a lab costs
sites:
  office: { nat: { mapping: endpoint-independent, filtering: address-and-port } }
  home:   { nat: { mapping: endpoint-independent, filtering: address-and-port } }
clients:
  alice: { site: office }
  bob:   { site: home }
)";

double milliseconds(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const auto begin = Clock::now();
  pid_t child = -1;
  if (posix_spawnp(&child, argv.front(), nullptr, nullptr, argv.data(), environ) != 0) std::exit(69);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fmt::print(stderr, "{} failed\n", words.front());
    std::exit(1);
  }
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

struct Spread {
  double least, median, most;
};
Spread spread(std::vector<double> values) {
  std::ranges::sort(values);
  return {values.front(), values[values.size() / 2], values.back()};
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const int rounds = quick ? 5 : 25;
  const std::string file = "/tmp/crypelab-bench-" + std::to_string(getpid()) + ".yaml";
  std::ofstream(file) << kScenario;
  const std::string program = CRYPELAB_BIN "/crypelab";
  std::vector<double> lab;
  std::vector<double> measured;
  std::vector<double> floor;
  for (int i = 0; i <= rounds; ++i) {  // the first round warms up
    const double bare = milliseconds({"unshare", "-Urnmuipf", "--mount-proc", "true"});
    const double whole = milliseconds({program, "exec", file, "--", "true"});
    const double quickly = milliseconds({"sh", "-c", program + " measure --quick " + file + " >/dev/null"});
    if (i == 0) continue;
    floor.push_back(bare);
    lab.push_back(whole);
    measured.push_back(quickly);
  }
  std::remove(file.c_str());
  const auto print = [](const char* what, Spread s) {
    fmt::print("{:<44} {:7.1f} {:7.1f} {:7.1f} ms\n", what, s.least, s.median, s.most);
  };
  fmt::print("{:<44} {:>7} {:>7} {:>7}\n", "", "least", "median", "most");
  print("unshare ... true (the floor)", spread(floor));
  print("crypelab exec TWO-SITES -- true", spread(lab));
  print("crypelab measure --quick TWO-SITES", spread(measured));
  fmt::print("exec: {:.1f} times the floor; target 250 ms: {:.2f} of it\n", spread(lab).median / spread(floor).median,
             spread(lab).median / 250);
  return 0;
}
