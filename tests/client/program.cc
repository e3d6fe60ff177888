#include "program.h"

#include "harness/base/error.h"
#include "harness/base/socket_address.h"

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/json/parse.hpp>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::client {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "crypelab-client-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp");
  path_ = name;
}
Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
void Folder::write(std::string_view name, std::string_view text) const { std::ofstream(path_ / name) << text; }
std::string Folder::read(std::string_view name) const {
  std::ostringstream text;
  text << std::ifstream(path_ / name).rdbuf();
  return text.str();
}

Program::Program(const std::vector<std::string>& command, std::string_view input,
                 const std::vector<std::string>& environment)
    : errors_(checked(::memfd_create("errors", MFD_CLOEXEC), "memfd_create")) {
  auto output = make_pipe();
  const auto in = checked(::memfd_create("input", MFD_CLOEXEC), "memfd_create");
  if (::write(in.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size())) throw_errno("write");
  ::lseek(in.get(), 0, SEEK_SET);
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  std::vector<char*> envp;
  for (auto& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, output.writing.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, errors_.get(), 2);
  const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw_system_error(command[0], error);
  output_ = std::move(output.reading);
}

Program::~Program() {
  if (status_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string Program::errors() const {
  std::string text(100'000, '\0');
  const auto n = ::pread(errors_.get(), text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

bool Program::read_some(milliseconds most) {
  pollfd ready{output_.get(), POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(most.count(), 0))) <= 0) return true;
  std::array<char, 65'536> buffer{};
  const auto n = ::read(output_.get(), buffer.data(), buffer.size());
  if (n <= 0) return false;
  partial_.append(buffer.data(), static_cast<std::size_t>(n));
  for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
    lines_.push_back(partial_.substr(0, end));
    partial_.erase(0, end + 1);
  }
  return true;
}

bool Program::wait(const std::function<bool()>& fact, milliseconds most) {
  const auto deadline = Clock::now() + most;
  while (!fact()) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || !read_some(left)) return fact();
  }
  return true;
}

bool Program::wait_for_text(std::string_view text, milliseconds most) {
  std::size_t seen = 0;
  return wait(
      [&] {
        for (; seen < lines_.size(); ++seen) {
          if (lines_[seen].find(text) != std::string::npos) return true;
        }
        return false;
      },
      most);
}

std::optional<int> Program::exit_status(milliseconds most) {
  const auto deadline = Clock::now() + most;
  while (!status_) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    if (read_some(left)) continue;
    // The output has ended: so does the process.
    int status = 0;
    if (::waitpid(pid_, &status, 0) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
  }
  return status_;
}

void Program::signal(int number) const { ::kill(pid_, number); }

std::vector<boost::json::object> Program::events(std::string_view name) const {
  std::vector<boost::json::object> found;
  for (const auto& line : lines_) {
    boost::json::error_code error;
    auto value = boost::json::parse(line, error);
    if (error || !value.is_object()) continue;
    const auto* const event = value.get_object().if_contains("event");
    if (event != nullptr && *event == boost::json::string_view(name.data(), name.size())) {
      found.push_back(value.get_object());
    }
  }
  return found;
}

std::optional<boost::json::object> Program::event(std::string_view name) const {
  auto all = events(name);
  if (all.empty()) return std::nullopt;
  return all.front();
}

std::uint16_t free_port() {
  const auto local = SocketAddress(Endpoint{Address::v4(0x7F000001), 0});
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto tcp = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    if (::bind(tcp.get(), local.data(), local.size()) < 0) throw_errno("bind");
    SocketAddress bound;
    ::getsockname(tcp.get(), bound.data(), bound.size_for_kernel());
    const auto udp = checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    const auto same = SocketAddress(bound.endpoint());
    if (::bind(udp.get(), same.data(), same.size()) == 0) return bound.endpoint().port;
  }
  throw Failure(Exit::os, "no free port");
}

void write_certificate(const Folder& folder) {
  Program openssl({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-keyout", folder.file("key.pem"), "-out", folder.file("certificate.pem"), "-days", "2", "-subj",
                   "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"},
                  "");
  if (openssl.exit_status() != 0) throw Failure(Exit::unavailable, "openssl: " + openssl.errors());
}

}  // namespace crypelab::client
