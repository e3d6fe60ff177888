#include "harness/lab/door.h"

#include "harness/base/error.h"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

constexpr int kMostTwins = 64;

HostProgram program_of(const kernel::SessionRequest& request, Lab& lab, const std::string& host,
                       const std::string& directory) {
  HostProgram program{.arguments = request.arguments, .directory = directory, .privileged = request.privileged};
  const auto* const where = blueprint::find_host(lab.plan(), host);
  if (where != nullptr && where->role == blueprint::Role::client) {
    const auto credentials = lab.credentials(host);
    program.environment["CRYPELAB_TOKEN"] = credentials.token;
    program.environment["CRYPELAB_TURN_USER"] = credentials.turn.user;
    program.environment["CRYPELAB_TURN_PASSWORD"] = credentials.turn.password;
  }
  if (!request.terminal_type.empty()) program.environment["TERM"] = request.terminal_type;
  if (program.arguments.empty()) {
    const bool bash = access("/bin/bash", X_OK) == 0;
    program.arguments = bash ? std::vector<std::string>{"/bin/bash", "--norc", "--noprofile", "-i"}
                             : std::vector<std::string>{"/bin/sh", "-i"};
    program.environment["PS1"] = fmt::format("[{} in {}] {}$ ", host, lab.plan().scenario, bash ? "\\w " : "");
    program.environment["HISTFILE"] = "";
  }
  return program;
}

std::string first_client(const blueprint::Blueprint& plan) {
  const auto client = std::ranges::find(plan.hosts, blueprint::Role::client, &blueprint::Host::role);
  return client == plan.hosts.end() ? plan.hosts.front().name : client->name;
}

}  // namespace

std::string door_name(std::string scenario, int number) {
  std::ranges::replace(scenario, '/', '.');
  return number == 1 ? scenario : fmt::format("{}~{}", scenario, number);
}

Door::Door(const std::string& scenario) {
  for (int number = 1; number <= kMostTwins && !socket_; ++number) {
    try {
      socket_.emplace(door_name(scenario, number));
    } catch (const Failure& taken) {
      if (taken.exit() != Exit::unavailable) throw;
    }
  }
}

void Door::want(std::vector<pollfd>& into) {
  if (socket_ && sessions_ != nullptr) into.push_back({socket_->descriptor(), POLLIN, 0});
}

void Door::ready() {
  if (!socket_ || sessions_ == nullptr) return;
  while (auto connection = socket_->accept()) sessions_->add(std::move(*connection));
}

std::function<kernel::Seat(const kernel::SessionRequest&)> seats_of(Lab& lab, const std::string& directory) {
  return [&lab, directory](const kernel::SessionRequest& asked) {
    const std::string host = asked.host.empty() ? first_client(lab.plan()) : asked.host;
    return lab.seat(host, program_of(asked, lab, host, directory));
  };
}

}  // namespace crypelab::lab
