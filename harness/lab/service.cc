#include "harness/lab/service.h"

#include "harness/base/error.h"
#include "harness/base/socket_address.h"
#include "harness/lab/machine.h"
#include "harness/wire/dns.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

constexpr std::size_t kKeptLines = 100;
constexpr std::size_t kLongestLine = 16'384;

// The folder of this program and its companions.
std::string own_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::string replaced(std::string text) {
  for (const auto& [word, value] :
       {std::pair<std::string, std::string>{"{dir}", Service::kFolder}, {"{bin}", own_folder()}}) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + value.size())) {
      text.replace(at, word.size(), value);
    }
  }
  return text;
}

std::string program_path(const services::Process& plan) {
  const std::string name = replaced(plan.argv.front());
  if (name.starts_with('/') && access(name.c_str(), X_OK) == 0) return name;
  const auto found = find_program(plan.argv.front());
  if (found) return *found;
  throw Failure(Exit::unavailable,
                fmt::format("{} needs the program {}, which is not installed; install it with: apt-get install {}",
                            plan.name, plan.argv.front(), plan.package));
}

kernel::HostViewPlan view_plan(const services::Process& plan, const blueprint::Host& host, const Network& network,
                               kernel::Identity identity, const std::string& authorities) {
  kernel::HostViewPlan view;
  view.name = host.name;
  view.identity = identity;
  view.network = network.host(host.name).descriptor();
  view.hosts = "127.0.0.1 localhost\n::1 localhost\n";
  for (const auto& resolver : host.resolvers) view.resolv_conf += "nameserver " + to_string(resolver) + "\n";
  view.authorities = authorities;
  for (const auto& file : plan.files)
    view.files[fmt::format("{}/{}", Service::kFolder, file.name)] = replaced(file.content);
  view.visible = {own_folder()};
  view.writable = {Service::kFolder};
  view.tun = plan.tunnel_device;
  return view;
}

}  // namespace

Service::Service(const services::Process& plan, const blueprint::Blueprint& blueprint, const Network& network,
                 kernel::Identity identity, const std::string& authorities)
    : plan_(plan), network_(&network) {
  const auto* host = blueprint::find_host(blueprint, plan.host);
  if (host == nullptr) throw Failure(Exit::software, fmt::format("{} has no host '{}'", plan.name, plan.host));
  kernel::ProgramPlan program;
  program.arguments.push_back(program_path(plan));
  for (std::size_t i = 1; i < plan.argv.size(); ++i) program.arguments.push_back(replaced(plan.argv[i]));
  view_.emplace(view_plan(plan, *host, network, identity, authorities));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw_errno("make a pipe");
  output_ = Descriptor(ends[0]);
  const Descriptor writing(ends[1]);
  if (fcntl(output_.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("make a pipe");
  program.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", kFolder}, {"LANG", "C.UTF-8"}};
  program.directory = kFolder;
  program.network = network.host(plan.host).descriptor();
  program.mounts = view_->mounts();
  program.host_name = plan.host;
  program.identity = identity;
  if (plan.network_administrator) program.capabilities.push_back(CAP_NET_ADMIN);
  program.descriptors = {-1, writing.get(), writing.get()};
  program_.emplace(program);
}

bool Service::ready() {
  if (ready_) return true;
  if (const auto status = program_->poll()) {
    read_output();
    throw Failure(Exit::unavailable, fmt::format("{} did not start: {}\n{}", plan_.name, status->text(), last_words()));
  }
  read_output();
  if (std::holds_alternative<services::Immediately>(plan_.readiness)) {
    ready_ = true;
  } else if (const auto* line = std::get_if<services::PrintsLine>(&plan_.readiness)) {
    ready_ = std::ranges::any_of(lines_, [&](const auto& text) { return text.find(line->text) != std::string::npos; });
  } else if (const auto* interface = std::get_if<services::HasInterface>(&plan_.readiness)) {
    try {
      kernel::Link(network_->host(plan_.host), interface->name);
      ready_ = true;
    } catch (const Failure&) {
      ready_ = false;
    }
  } else if (const auto* dns = std::get_if<services::AnswersDns>(&plan_.readiness)) {
    ready_ = answers_dns(*dns);
  }
  return ready_;
}

// Asks, and looks for the answer when called again: a refused question (nobody listens yet) is asked anew.
bool Service::answers_dns(const services::AnswersDns& readiness) {
  if (asking_) {
    std::array<std::uint8_t, 1500> answer{};
    const auto size = recv(asking_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (size > 0) return true;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    asking_.close();
  }
  const SocketAddress server(readiness.server);
  asking_ = network_->host(plan_.host).open_socket(server.family(), SOCK_DGRAM | SOCK_CLOEXEC);
  const auto question = wire::encode_dns_question(1, readiness.name, wire::DnsType::a);
  if (!question) throw Failure(Exit::software, question.complaint());
  if (connect(asking_.get(), server.data(), server.size()) != 0 ||
      send(asking_.get(), question->data(), question->size(), MSG_NOSIGNAL) < 0) {
    asking_.close();
  }
  return false;
}

void Service::read_output() {
  std::array<char, 4096> chunk{};
  for (ssize_t n = 0; (n = read(output_.get(), chunk.data(), chunk.size())) > 0;) {
    unfinished_.append(chunk.data(), static_cast<std::size_t>(n));
    for (auto end = unfinished_.find('\n'); end != std::string::npos; end = unfinished_.find('\n')) {
      lines_.push_back(unfinished_.substr(0, end));
      unfinished_.erase(0, end + 1);
      if (lines_.size() > kKeptLines) lines_.pop_front();
    }
    if (unfinished_.size() > kLongestLine) unfinished_.clear();
  }
}

std::string Service::last_words() const {
  std::string words;
  const std::size_t first = lines_.size() > 10 ? lines_.size() - 10 : 0;
  for (std::size_t i = first; i < lines_.size(); ++i) words += "  " + lines_[i] + "\n";
  return words + (unfinished_.empty() ? "" : "  " + unfinished_ + "\n");
}

void Service::rewrite(const services::File& file) {
  view_->write(fmt::format("{}/{}", kFolder, file.name), replaced(file.content));
  program_->signal(SIGHUP);
}

}  // namespace crypelab::lab
