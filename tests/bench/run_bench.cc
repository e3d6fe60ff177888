// What a run costs: one scenario from nothing to its verdict, judging saved evidence, the report of thousands of cells
// in a browser, the memory of the command. Each beside its target, and the scenario beside the same network with
// nothing in it.
#include "../report/browser.h"
#include "harness/base/error.h"
#include "harness/cli/judging.h"
#include "harness/report/run.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace {

using namespace crypelab;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

struct Ended {
  double seconds = 0;
  long peak_kb = 0;
  int status = 0;
};

// The built program, quietly.
Ended crypelab(std::vector<std::string> words) {
  words.insert(words.begin(), CRYPELAB_BIN "/crypelab");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  const auto begin = Clock::now();
  pid_t child = 0;
  const int error = posix_spawn(&child, argv[0], &quiet, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (error != 0) throw Failure(Exit::os, "crypelab does not start");
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) throw_errno("wait");
  return {seconds_since(begin), usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

constexpr const char* kNetwork = R"(sites:
  office:
    egress: [{drop: {protocol: udp}}, {reject: {}}]
    dns: internal-only
    proxy: {auth: basic, users: {alice: wonderland}, connect-ports: [443]}
  home: {nat: {}}
clients:
  alice: {site: office, app: desktop, proxy: {mode: fixed_servers, rules: "http://proxy.office.test:3128", username: alice, password: wonderland}}
  bob: {site: home}
)";

void one_scenario(const evidence::TemporaryFolder& folder, const char* what, const char* work, double target,
                  int rounds) {
  const auto file = folder.path() / (std::string(what) + ".yaml");
  evidence::put(
      file,
      fmt::format("scenario: bench/{}\ntitle: A proxy that asks\n{}work: {}\nexpect:\n  - connected: {{within: 10s}}\n",
                  what, kNetwork, work));
  std::vector<double> whole;
  std::vector<double> empty;
  for (int i = 0; i < rounds; ++i) {
    const auto run = crypelab({"run", file, "--out", folder.path() / fmt::format("{}-{}", what, i)});
    if (run.status != 0)
      throw Failure(Exit::software, fmt::format("the scenario did not pass: exit status {}", run.status));
    whole.push_back(run.seconds);
    empty.push_back(crypelab({"exec", file, "--host", "alice", "--", "true"}).seconds);
  }
  fmt::print(
      "one scenario to its verdict, {}: median {:.2f} s of {} (target {:.1f}); the same network with `true` in it "
      "{:.2f} s, ratio {:.1f}\n",
      what, median(whole), rounds, target, median(empty), median(whole) / median(empty));
  std::fflush(stdout);
}

// From the later hello to both ends open, in networks that leave one way and delay nothing.
void connecting(const evidence::TemporaryFolder& folder, int rounds) {
  struct Way {
    const char* name;
    const char* path;
    const char* network;
    double target;
  };
  const Way ways[] = {
      {"direct", "direct, proxy: false",
       "sites: {office: {}, home: {}}\nclients: {alice: {site: office}, bob: {site: home}}\n", 0.1},
      {"relay-udp", "relay-udp, proxy: false",
       "sites: {office: {nat: {}}, home: {nat: {}}}\n"
       "clients: {alice: {site: office, policy: relay, turn: [udp]}, bob: {site: home}}\n",
       0.1},
      {"relay-tls-by-basic-proxy", "relay-tls, proxy: true", R"(sites:
  office: {egress: [{reject: {}}], proxy: {auth: basic, users: {alice: wonderland}}}
  home: {nat: {}}
clients:
  alice: {site: office, app: desktop, turn: [tls], proxy: {mode: fixed_servers, rules: "http://proxy.office.test:3128", username: alice, password: wonderland}}
  bob: {site: home}
)",
       0.25},
  };
  for (const auto& way : ways) {
    const auto file = folder.path() / fmt::format("{}.yaml", way.name);
    evidence::put(file, fmt::format("scenario: bench/{}\ntitle: One way\n{}expect:\n  - connected: {{within: 10s}}\n"
                                    "  - path: {{client: alice, class: {}}}\n",
                                    way.name, way.network, way.path));
    std::vector<double> times;
    for (int i = 0; i < rounds; ++i) {
      const auto out = folder.path() / fmt::format("{}-{}", way.name, i);
      const auto run = crypelab({"run", file, "--out", out});
      if (run.status != 0) throw Failure(Exit::software, fmt::format("{}: exit status {}", way.name, run.status));
      const auto record = boost::json::parse(evidence::contents(out / "run.json"));
      times.push_back(record.at("attempts").at(0).at("time_to_connect").as_double());
    }
    fmt::print("both ends open by {}: median {:.0f} ms of {} (target {:.0f})\n", way.name, median(times) * 1e3, rounds,
               way.target * 1e3);
    std::fflush(stdout);
  }
}

void judging(std::size_t least) {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(CRYPELAB_SOURCE "/fixtures/evidence"))
    folders.push_back(entry.path());
  std::size_t verdicts = 0;
  std::size_t calls = 0;
  const auto begin = Clock::now();
  while (verdicts < least) {
    verdicts += cli::judge_folder(folders[calls % folders.size()], {}).verdicts.size();
    ++calls;
  }
  const auto judged = seconds_since(begin);
  // The floor: reading the same files.
  std::size_t bytes = 0;
  const auto read = Clock::now();
  for (std::size_t i = 0; i < calls; ++i) {
    for (const auto* name : {"evidence.json", "packets.pcapng"})
      bytes += evidence::contents(folders[i % folders.size()] / name).size();
  }
  fmt::print(
      "{} verdicts of {} calls from saved evidence: {:.2f} s, {:.2f} s for 1,000 (target 5); reading the same {:.0f} "
      "MB {:.2f} s\n",
      verdicts, calls, judged, judged * 1'000 / static_cast<double>(verdicts), static_cast<double>(bytes) / 1e6,
      seconds_since(read));
  std::fflush(stdout);
}

void pages(std::size_t cells) {
  auto call = cli::judge_folder(CRYPELAB_SOURCE "/fixtures/evidence/proxied", {});
  report::Run run{.program = "crypelab", .started = "2026-01-01T00:00:00Z"};
  for (std::size_t i = 0; i < cells; ++i) {
    call.scenario = fmt::format("bench/{}/{}", i % 100, i);
    run.judgements.push_back(call);
  }
  const auto begin = Clock::now();
  const auto html = report::to_html(run);
  fmt::print("the report of {} cells: written in {:.2f} s, {:.1f} MB\n", cells, seconds_since(begin),
             static_cast<double>(html.size()) / 1e6);
  if (std::string(CHROMIUM).empty()) return;
  std::vector<double> opened;
  for (int i = 0; i < 3; ++i) {
    opened.push_back(std::stod("0" + report::between(report::document_of(html, ""), "data-ready=\"", "\"")) / 1e3);
  }
  fmt::print("  opens in Chromium, script and all, in {:.2f} s (target 2; median of 3)\n", median(opened));
  std::fflush(stdout);
}

void memory(const evidence::TemporaryFolder& folder, int scenarios) {
  for (int i = 0; i < scenarios; ++i) {
    evidence::put(folder.path() / "many" / fmt::format("{}.yaml", i),
                  fmt::format("scenario: bench/many-{}\ntitle: One of many\n{}work: [{{echo: {{count: 20}}}}]\n"
                              "expect:\n  - connected: {{within: 20s}}\n",
                              i, kNetwork));
  }
  const auto run = crypelab({"run", folder.path() / "many", "-j", "4", "--out", folder.path() / "of-many"});
  fmt::print(
      "{} scenarios in one run, four at a time: {:.1f} s, exit status {}; the largest of its processes {:.0f} MB "
      "(target 200)\n",
      scenarios, run.seconds, run.status, static_cast<double>(run.peak_kb) / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const evidence::TemporaryFolder folder;
  memory(folder, quick ? 10 : 100);  // first: a child's peak is never below what its parent holds
  connecting(folder, quick ? 3 : 9);
  one_scenario(folder, "echo", "[{echo: {count: 20}}]", 1.2, quick ? 3 : 9);
  one_scenario(folder, "throughput",
               "[{throughput: {time: 1s, direction: send}}, {throughput: {time: 1s, direction: receive}}]", 3,
               quick ? 1 : 5);
  judging(quick ? 100 : 1'000);
  pages(5'000);
}
