#include "clients/reference/proxy/helper_process.h"

#include "clients/reference/transport/race.h"
#include "harness/base/descriptor.h"
#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::client::proxy {

using transport::Error;

namespace {

constexpr std::size_t longest_line = 64 * 1024;
using transport::use;

bool write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(to, text.data(), text.size());
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// The process's whole life. Sockets of this program must not live on in it: their ends would never be seen.
[[noreturn]] void serve(int link, const std::function<std::string(const std::string&)>& answer) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  if (dup2(link, 3) != 3) _exit(1);
  close_range(4, ~0u, 0);
  const Descriptor nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(nowhere.get(), 0);
  dup2(nowhere.get(), 1);
  const rlimit time{10, 10};
  setrlimit(RLIMIT_CPU, &time);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  if (!sanitized) {  // sanitizers reserve terabytes of addresses
    const rlimit memory{512u << 20, 512u << 20};
    setrlimit(RLIMIT_AS, &memory);
  }
  std::string input;
  std::array<char, 4096> chunk{};
  try {
    while (true) {
      const auto n = ::read(3, chunk.data(), chunk.size());
      if (n <= 0) _exit(0);
      input.append(chunk.data(), static_cast<std::size_t>(n));
      const auto end = input.find('\n');
      if (end == std::string::npos) continue;
      auto said = answer(input.substr(0, end));
      input.erase(0, end + 1);
      std::replace(said.begin(), said.end(), '\n', ' ');
      if (said.size() >= longest_line) said.resize(longest_line - 1);
      if (!write_all(3, said + "\n")) _exit(0);
    }
  } catch (...) {
    _exit(1);
  }
}

}  // namespace

class HelperProcess::Body {
 public:
  Body(const boost::asio::any_io_executor& executor, const std::function<std::string(const std::string&)>& answer)
      : link_(executor) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_errno("socketpair");
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    pid_ = fork();
    if (pid_ < 0) throw_errno("fork");
    if (pid_ == 0) serve(theirs.get(), answer);
    link_.assign(ours.release());
  }
  ~Body() { end(); }

  void end() {
    Error ignored;
    link_.close(ignored);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);  // killed: at once
    pid_ = 0;
  }
  bool alive() const { return pid_ > 0; }

  static transport::Awaitable<std::optional<std::string>> talk(std::shared_ptr<Body> body, std::string question) {
    std::replace(question.begin(), question.end(), '\n', ' ');
    question += '\n';
    const auto [unsent, written] = co_await boost::asio::async_write(body->link_, boost::asio::buffer(question), use);
    if (unsent || written == 0) co_return std::nullopt;
    std::string line;
    const auto [unread, size] =
        co_await boost::asio::async_read_until(body->link_, boost::asio::dynamic_buffer(line, longest_line), '\n', use);
    if (unread || size == 0) co_return std::nullopt;
    line.resize(size - 1);
    co_return line;
  }

 private:
  boost::asio::posix::stream_descriptor link_;
  pid_t pid_ = 0;
};

HelperProcess::HelperProcess(boost::asio::any_io_executor executor,
                             std::function<std::string(const std::string&)> answer)
    : body_(std::make_shared<Body>(executor, answer)) {}
HelperProcess::~HelperProcess() { body_->end(); }

bool HelperProcess::alive() const { return body_->alive(); }

transport::Awaitable<std::optional<std::string>> HelperProcess::ask(std::string question, Time deadline) {
  const auto body = body_;
  if (!body->alive()) co_return std::nullopt;
  const auto executor = co_await boost::asio::this_coro::executor;
  const std::function<transport::Awaitable<std::optional<std::string>>()> once = [body, question] {
    return Body::talk(body, question);
  };
  auto said = co_await transport::within<std::string>(executor, deadline, once);
  if (!said) body->end();
  co_return said;
}

}  // namespace crypelab::client::proxy
