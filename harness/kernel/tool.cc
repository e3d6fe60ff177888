#include "harness/kernel/tool.h"

#include "harness/base/error.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <linux/capability.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

constexpr int kPatienceMilliseconds = 30'000;

std::string find_tool(const std::string& name, const std::string& package) {
  std::string directories = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin";
  if (const char* path = std::getenv("PATH")) directories += fmt::format(":{}", path);
  std::istringstream list(directories);
  for (std::string directory; std::getline(list, directory, ':');) {
    auto file = fmt::format("{}/{}", directory, name);
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  throw Failure(Exit::unavailable, fmt::format("{} is missing; install it with: apt-get install {}", name, package));
}

// A nameless file in memory: a pipe could fill and block, and must be read while the tool runs.
Descriptor memory_file(const std::string& content) {
  Descriptor file = checked(::memfd_create("crypelab", MFD_CLOEXEC), "create a file in memory");
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t wrote = ::write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0) throw_errno("write a file in memory");
    done += static_cast<std::size_t>(wrote);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string content_of(const Descriptor& file) {
  std::string content;
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(content.size()))) > 0) {
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return content;
}

// While it lives a program started by this thread keeps CAP_NET_ADMIN whatever its uid: otherwise a uid other than 0
// loses it at exec (capabilities(7), "Transformation of capabilities during execve()"). Capabilities belong to the
// thread.
class AmbientNetAdmin {
 public:
  AmbientNetAdmin() {
    if (::syscall(SYS_capget, &header_, before_.data()) != 0) throw_errno("read the capabilities");
    auto wanted = before_;
    wanted[0].inheritable |= 1U << CAP_NET_ADMIN;
    if (::syscall(SYS_capset, &header_, wanted.data()) != 0 ||
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0) {
      const int error = errno;
      ::syscall(SYS_capset, &header_, before_.data());
      throw_system_error("lend CAP_NET_ADMIN to a tool", error);
    }
  }
  // Taking it out of the inheritable set takes it out of the ambient set too.
  ~AmbientNetAdmin() { ::syscall(SYS_capset, &header_, before_.data()); }
  AmbientNetAdmin(const AmbientNetAdmin&) = delete;
  AmbientNetAdmin& operator=(const AmbientNetAdmin&) = delete;

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> before_{};
};

void end_now(pid_t process) {
  ::kill(process, SIGKILL);
  while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// posix_spawn's two settings, with owners.
struct SpawnSettings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  SpawnSettings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

}  // namespace

Tool::Tool(const NetworkNamespace& in, const std::vector<std::string>& arguments, const std::string& input,
           const std::string& package)
    : name_(arguments.at(0)), input_(memory_file(input)), output_(memory_file({})) {
  const auto file = find_tool(name_, package);
  std::vector<std::string> words = arguments;
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string locale = "LC_ALL=C";
  std::array<char*, 2> environment{locale.data(), nullptr};

  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.files, input_.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.files, output_.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.files, output_.get(), STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&settings.files, STDERR_FILENO + 1);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  // The child starts where this thread is, and with what it may hand on.
  const InNamespace inside(in);
  const AmbientNetAdmin power;
  if (const int error =
          ::posix_spawn(&pid_, file.c_str(), &settings.files, &settings.attributes, argv.data(), environment.data());
      error != 0) {
    pid_ = -1;
    throw_system_error(fmt::format("start {}", file), error);
  }
  process_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!process_) {
    // Without it nobody could say when waiting has lasted too long.
    const int error = errno;
    end_now(pid_);
    throw_system_error(fmt::format("watch {}", file), error);
  }
}

Tool::Tool(Tool&& other) noexcept
    : name_(std::move(other.name_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      process_(std::move(other.process_)),
      pid_(std::exchange(other.pid_, -1)) {}

Tool::Outcome Tool::finish() {
  if (pid_ < 0) throw Failure(Exit::software, fmt::format("{} was waited for twice", name_));
  pollfd ended{process_.get(), POLLIN, 0};
  int ready = 0;
  while ((ready = ::poll(&ended, 1, kPatienceMilliseconds)) < 0 && errno == EINTR) {
  }
  const bool hangs = ready == 0;
  if (hangs) ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno == EINTR) continue;
    pid_ = -1;
    throw_errno(fmt::format("wait for {}", name_));  // somebody else reaped it: its status is unknown
  }
  pid_ = -1;
  if (hangs) throw Failure(Exit::os, fmt::format("{} did not end within 30 seconds", name_));
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(output_)};
}

Tool::~Tool() {
  if (pid_ >= 0) end_now(pid_);
}

}  // namespace crypelab::kernel
