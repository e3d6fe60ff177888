#include "running_lab.h"

#include "harness/scenario/loader.h"
#include "harness/services/json_line.h"

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>

namespace crypelab::test {
namespace {

using Clock = lab::Loop::Clock;

const std::string kFolder = CRYPELAB_SOURCE "/tests/scenario";

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

RunningLab::RunningLab(const blueprint::Blueprint& plan, const kernel::Supervised& supervised)
    : lab_(plan, supervised, {kFolder}) {}

Said RunningLab::run(const std::string& host, const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe");
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  fcntl(reading.get(), F_SETFL, O_NONBLOCK);
  Said said;
  lab::HostProgram start;
  start.arguments = arguments;
  start.descriptors = {-1, writing.get(), writing.get()};
  auto program = lab_.start(host, start);
  writing.close();
  bool ended = false;
  const auto read_all = [&] {
    std::array<char, 4096> chunk{};
    ssize_t n = 0;
    while ((n = read(reading.get(), chunk.data(), chunk.size())) > 0) said.text.append(chunk.data(), std::size_t(n));
    ended = n == 0;
  };
  lab_.loop().watch(reading.get(), read_all);
  lab_.loop().run_until([&ended] { return ended; }, Clock::now() + std::chrono::seconds(20));
  lab_.loop().forget(reading.get());
  const auto status = program.wait_until(Clock::now() + std::chrono::seconds(1));
  if (ended && status) said.status = status->exit_status();
  while (said.text.ends_with('\n')) said.text.pop_back();
  return said;
}

std::vector<model::Event> RunningLab::events(const std::string& kind, std::size_t count) {
  std::vector<model::Event> found;
  lab_.loop().run_until(
      [&] {
        found.clear();
        for (const auto& event : lab_.events()) {
          if (event.kind == kind) found.push_back(event);
        }
        return found.size() >= count;
      },
      Clock::now() + std::chrono::seconds(5));
  return found;
}

std::uint64_t RunningLab::count(const std::string& host, const std::string& counter) {
  return lab_.network().counters(host).at(host + "/" + counter).packets;
}

blueprint::Blueprint draw(const std::string& yaml) {
  const auto loaded = scenario::parse(yaml, "test.yaml", "sites");
  if (loaded.scenarios.size() != 1) throw std::runtime_error(to_string(loaded.problems));
  return blueprint::draw(loaded.scenarios.front());
}

void in_a_running_lab(const blueprint::Blueprint& plan, const std::function<void(RunningLab&)>& body,
                      kernel::testing::Caller caller) {
  kernel::testing::Command command(caller, [&] {
    return kernel::supervise([&](kernel::Supervised& supervised) {
      RunningLab running(plan, supervised);
      body(running);
      return ::testing::Test::HasFailure() ? 1 : 0;
    });
  });
  EXPECT_EQ(kernel::testing::exit_of(command.wait(120'000)), 0);
}

services::Process listener(const std::string& host, std::uint16_t port, const std::string& task,
                           const std::string& address) {
  services::Process process;
  process.name = host + "." + std::to_string(port) + "." + address;
  process.host = host;
  process.argv = {"/usr/bin/python3", "{dir}/tcp_probe.py", task, address, std::to_string(port)};
  process.files.push_back({"tcp_probe.py", text_of(kFolder + "/tcp_probe.py")});
  process.readiness = services::PrintsLine{R"("ready")"};
  process.read_log = [](std::string_view line) {
    return services::read_json_line(line, model::Source::measurement, "connection");
  };
  return process;
}

std::vector<std::string> probe(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"/usr/bin/python3", kFolder + "/tcp_probe.py"});
  return arguments;
}

}  // namespace crypelab::test
