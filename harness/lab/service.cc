#include "harness/lab/service.h"

#include "harness/base/error.h"
#include "harness/base/overloaded.h"
#include "harness/base/socket_address.h"
#include "harness/lab/machine.h"
#include "harness/lab/tls_hello.h"
#include "harness/wire/dns.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

constexpr std::size_t kKeptLines = 1000;
// A question that was lost before anybody listened is asked again.
constexpr auto kAskAgain = std::chrono::milliseconds(250);

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
  throw Failure(Exit::unavailable, missing_program(plan));
}

std::string_view text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// RFC 8489 section 5: type, length, magic cookie, transaction.
std::string_view binding_request() {
  constexpr std::string_view bytes("\x00\x01\x00\x00\x21\x12\xa4\x42readytoserve", 20);
  static_assert(bytes.size() == 20);
  return bytes;
}

// Whether the program is led to that file by its command line or its environment.
bool names(const services::Process& plan, const services::File& file) {
  const auto path = "{dir}/" + file.name;
  return std::ranges::find(plan.argv, path) != plan.argv.end() ||
         std::ranges::any_of(plan.environment, [&](const auto& variable) { return variable.second == path; });
}

// Configurations of other people's programs hold no passwords: those stand in files of their own, or are still
// "{secret:NAME}" here. Settings of our own programs are JSON, where one may be escaped and would not be recognized.
std::string what_it_was_told(const services::Process& plan, const std::vector<std::string>& arguments) {
  std::string text = fmt::format("it was started as: {}\n", fmt::join(arguments, " "));
  for (const auto& file : plan.files) {
    if (!names(plan, file) || file.name.ends_with(".json")) continue;
    text += fmt::format("its configuration, {}/{}:\n", Service::kFolder, file.name);
    std::istringstream lines(file.verbatim ? file.content : replaced(file.content));
    int number = 0;
    for (std::string line; std::getline(lines, line);) text += fmt::format("{:4}  {}\n", ++number, line);
  }
  return text;
}

}  // namespace

kernel::HostViewPlan Service::view_of(const services::Process& plan, const blueprint::Blueprint& blueprint,
                                      const Network& network, kernel::Identity identity, Trust& trust,
                                      Secrets& secrets) {
  const auto* host = blueprint::find_host(blueprint, plan.host);
  if (host == nullptr) throw Failure(Exit::software, fmt::format("{} has no host '{}'", plan.name, plan.host));
  kernel::HostViewPlan view;
  view.name = host->name;
  view.identity = identity;
  view.network = network.host(host->name).descriptor();
  view.hosts = "127.0.0.1 localhost\n::1 localhost\n";
  for (const auto& resolver : host->resolvers) view.resolv_conf += "nameserver " + to_string(resolver) + "\n";
  if (!host->search.empty()) view.resolv_conf += "search " + host->search + "\n";
  view.authorities = trust.authorities(host->trusts);
  for (const auto& certificate : plan.certificates) {
    const auto made = trust.make(certificate);
    view.files[fmt::format("{}/{}.crt", kFolder, certificate.file)] = made.certificate;
    view.files[fmt::format("{}/{}.key", kFolder, certificate.file)] = made.key;
  }
  for (const auto& [path, text] : plan.system_files) view.files[path] = text;
  for (const auto& file : plan.files)
    view.files[fmt::format("{}/{}", kFolder, file.name)] =
        file.verbatim ? file.content : secrets.put_into(replaced(file.content));
  view.visible = {own_folder()};
  if (kernel::may_be_visible(plan.folder)) view.visible.push_back(plan.folder);
  view.writable = {kFolder};
  view.tun = plan.tunnel_device;
  return view;
}

Service::Service(const services::Process& plan, const Network& network, kernel::Identity identity,
                 kernel::HostView view, const evidence::Redaction& redaction)
    : plan_(plan), network_(&network), redaction_(&redaction), view_(std::move(view)) {
  auto& program = program_plan_;
  program.arguments.push_back(program_path(plan));
  for (std::size_t i = 1; i < plan.argv.size(); ++i) program.arguments.push_back(replaced(plan.argv[i]));
  program.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"HOME", kFolder}, {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : plan.environment) program.environment[name] = replaced(value);
  program.directory = kFolder;
  program.network = network.host(plan.host).descriptor();
  program.mounts = view_.mounts();
  program.host_name = plan.host;
  program.identity = identity;
  if (plan.network_administrator) program.capabilities.push_back(CAP_NET_ADMIN);
  if (plan.raw_sockets) program.capabilities.push_back(CAP_NET_RAW);
  start();
}

void Service::start() {
  auto [reading, writing] = make_pipe();
  output_ = LineReader(std::move(reading));
  // Programs open /dev/stdout by its name, and then it is the pipe's owner that counts.
  const auto& owner = *program_plan_.identity;
  if (fchown(writing.get(), owner.user, owner.group) != 0) throw_errno("hand a pipe to a program");
  program_plan_.descriptors = {-1, writing.get(), writing.get()};
  program_.emplace(program_plan_);
}

void Service::restart() {
  program_->kill();
  program_.reset();
  start();
}

bool Service::ready() {
  if (ready_) return true;
  if (const auto status = program_->poll()) {
    read_output();
    throw Failure(Exit::unavailable, fmt::format("{} did not start: {}\n{}{}", plan_.name, status->text(), last_words(),
                                                 (*redaction_)(what_it_was_told(plan_, program_plan_.arguments))));
  }
  read_output();
  return answered();
}

bool Service::answered() {
  if (ready_) return true;
  ready_ = std::visit(
      Overloaded{
          [](const services::Immediately&) { return true; },
          [this](const services::PrintsLine& line) {
            return std::ranges::any_of(lines_,
                                       [&](const auto& text) { return text.find(line.text) != std::string::npos; });
          },
          [this](const services::HasInterface& interface) {
            const kernel::InNamespace inside(network_->host(plan_.host));
            return if_nametoindex(interface.name.c_str()) != 0;
          },
          [this](const services::AnswersDns& dns) {
            const auto question = wire::encode_dns_question(1, dns.name, wire::DnsType::a);
            if (!question) throw Failure(Exit::software, question.complaint());
            return answers(dns.server, SOCK_DGRAM, text_of(*question));
          },
          [this](const services::AnswersStun& stun) { return answers(stun.server, SOCK_DGRAM, binding_request()); },
          [this](const services::AnswersTurn& turn) {
            if (!first_answered_) first_answered_ = answers(turn.udp, SOCK_DGRAM, binding_request());
            return first_answered_ && answers(turn.tcp, SOCK_STREAM, binding_request());
          },
          [this](const services::AnswersTcp& tcp) { return answers(tcp.server, SOCK_STREAM, tcp.request); },
          [this](const services::AnswersTls& tls) {
            if (hello_.empty()) hello_ = tls_hello(tls.name);
            return answers(tls.server, SOCK_STREAM, hello_, kHandshake);
          },
      },
      plan_.readiness);
  return ready_;
}

bool Service::ask_again() {
  const auto& readiness = plan_.readiness;
  if (!std::holds_alternative<services::AnswersDns>(readiness) &&
      !std::holds_alternative<services::AnswersTcp>(readiness) &&
      !std::holds_alternative<services::AnswersStun>(readiness)) {
    return false;
  }
  asking_.close();
  ready_ = false;
  return true;
}

bool Service::answers(const Endpoint& server, int type, std::string_view question, int first) {
  if (asking_) {
    unsigned char answer = 0;
    const auto size = recv(asking_.get(), &answer, 1, MSG_DONTWAIT | MSG_PEEK);
    if (size > 0 && (first < 0 || answer == first)) {
      asking_.close();
      return true;
    }
    // Who answers with something else may be another one in a moment.
    const bool waiting = size < 0 ? errno == EAGAIN || errno == EWOULDBLOCK : first >= 0;
    if (waiting && std::chrono::steady_clock::now() < asked_ + kAskAgain) return false;
    asking_.close();
  }
  const SocketAddress address(server);
  // A loopback or local connection is made or refused at once: a blocking socket does not wait here.
  asked_ = std::chrono::steady_clock::now();
  asking_ = network_->host(plan_.host).open_socket(address.family(), type | SOCK_CLOEXEC);
  if (connect(asking_.get(), address.data(), address.size()) != 0 ||
      send(asking_.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    asking_.close();
  }
  return false;
}

std::vector<model::Event> Service::read_output() {
  std::vector<model::Event> events;
  while (auto line = output_.next()) {
    if (plan_.read_log != nullptr) std::ranges::move(plan_.read_log(*line), std::back_inserter(events));
    if (told_) told_(*line);
    lines_.push_back(std::move(*line));
    if (lines_.size() > kKeptLines) lines_.pop_front();
  }
  return events;
}

void Service::watch_lines(std::function<void(std::string_view)> told) {
  told_ = std::move(told);
  for (const auto& line : lines_) told_(line);
}

std::string Service::last_words() const {
  std::string words;
  const std::size_t first = lines_.size() > 10 ? lines_.size() - 10 : 0;
  for (std::size_t i = first; i < lines_.size(); ++i) words += "  " + lines_[i] + "\n";
  return (*redaction_)(words);
}

void Service::rewrite(const services::File& file) {
  view_.write(fmt::format("{}/{}", kFolder, file.name), replaced(file.content));
  program_->signal(SIGHUP);
}

}  // namespace crypelab::lab
