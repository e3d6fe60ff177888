// How long the standard world takes to be ready and to be gone: all its services answering, with a site whose only way
// out is a proxy that asks for a password, beside the same world without that proxy. And of that the certificates,
// beside their keys alone.
#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/kernel/supervisor.h"
#include "harness/lab/lab.h"
#include "harness/lab/trust.h"
#include "harness/scenario/loader.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

namespace {

using namespace crypelab;
using Clock = std::chrono::steady_clock;

blueprint::Blueprint plan_with(const std::string& office) {
  const auto loaded = scenario::parse("scenario: bench/world\ntitle: The standard world\nsites: {office: " + office +
                                          ", home: {nat: {}}}\nclients: {alice: {site: office}, bob: {site: home}}\n",
                                      "world_bench.yaml");
  if (!loaded.ok()) throw Failure(Exit::data, scenario::to_string(loaded.problems));
  return blueprint::draw(loaded.scenarios.at(0));
}

struct Times {  // milliseconds
  std::vector<double> up;
  std::vector<double> down;
};

double since(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

// The supervised process is another one; its clock is the same.
void once(const blueprint::Blueprint& plan, Times& times) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  const auto begin = Clock::now();
  kernel::supervise([&](kernel::Supervised& supervised) {
    const lab::Lab lab(plan, supervised);
    const auto ready = Clock::now();
    if (write(writing.get(), &ready, sizeof ready) != sizeof ready) throw_errno("write");
    return 0;
  });
  const auto gone = Clock::now();
  Clock::time_point ready;
  if (read(reading.get(), &ready, sizeof ready) != sizeof ready) throw_errno("read");
  times.up.push_back(since(begin, ready));
  times.down.push_back(since(ready, gone));
}

// The lab's authority, those that its hosts may trust, and a leaf for each service that shows one.
double make_certificates(const std::vector<services::Certificate>& asked) {
  const auto begin = Clock::now();
  lab::Trust trust;
  if (trust.authorities({services::Issuer::lab, services::Issuer::corporate, services::Issuer::stranger}).empty())
    throw Failure(Exit::software, "no authorities");
  for (const auto& certificate : asked) trust.make(certificate);
  return since(begin, Clock::now());
}

double make_keys(std::size_t count) {
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < count; ++i) EVP_PKEY_free(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  return since(begin, Clock::now());
}

double print(const std::string& what, std::vector<double> values) {
  std::ranges::sort(values);
  const double middle = values[values.size() / 2];
  fmt::print("{:<44} {:7.1f} {:7.1f} {:7.1f} ms\n", what, values.front(), middle, values.back());
  return middle;
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  try {
    const auto with = plan_with("{egress: [], dns: internal-only, proxy: {auth: basic, users: {alice: wonderland}}}");
    const auto without = plan_with("{egress: [], dns: internal-only}");
    std::vector<services::Certificate> asked;
    for (const auto& process : with.processes)
      asked.insert(asked.end(), process.certificates.begin(), process.certificates.end());
    std::vector<double> certificates;
    std::vector<double> keys;
    for (int i = 0; i <= 25; ++i) {
      const double made = make_certificates(asked);
      const double bare = make_keys(asked.size() + 3);
      if (i == 0) continue;
      certificates.push_back(made);
      keys.push_back(bare);
    }
    Times proxy;
    Times bare;
    for (int i = 0; i <= (quick ? 5 : 25); ++i) {
      once(with, proxy);
      once(without, bare);
      if (i == 0) proxy = bare = {};  // the first round warms up
    }
    fmt::print("{:<44} {:>7} {:>7} {:>7}\n", "", "least", "median", "most");
    const double up = print("ready, with a Basic proxy", proxy.up);
    print("ready, without a proxy", bare.up);
    const double down = print("gone, with a Basic proxy", proxy.down);
    print("gone, without a proxy", bare.down);
    const double pki = print(fmt::format("3 authorities and {} leaves", asked.size()), certificates);
    const double floor = print("their keys alone", keys);
    fmt::print("ready: target 300 ms: {:.2f} of it; gone: target 100 ms: {:.2f} of it\n", up / 300, down / 100);
    fmt::print("certificates: {:.1f} times their keys; target 50 ms: {:.2f} of it\n", pki / floor, pki / 50);
    return 0;
  } catch (const Failure& failure) {
    fmt::print(stderr, "world_bench: {}\n", failure.what());
    return static_cast<int>(failure.exit());
  }
}
