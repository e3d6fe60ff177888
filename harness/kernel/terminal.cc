#include "harness/kernel/terminal.h"

#include "harness/base/error.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

// O_NONBLOCK belongs to the open file, which the shell shares: opened anew, it is ours alone. Another user's terminal
// (su) cannot be opened; it is read and written only when that does not wait.
Descriptor open_anew(int terminal, int mode) {
  if (::isatty(terminal) != 1) throw Failure(Exit::usage, "not a terminal");
  Descriptor own(::open(fmt::format("/proc/self/fd/{}", terminal).c_str(), mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (own) return own;
  return checked(::fcntl(terminal, F_DUPFD_CLOEXEC, 3), "sharing the terminal");
}

bool can(int fd, short what) {
  pollfd polled{fd, what, 0};
  return ::poll(&polled, 1, 0) == 1;
}

}  // namespace

Terminal::Terminal(int input, int output)
    : terminal_(input), input_(open_anew(input, O_RDONLY)), output_(open_anew(output, O_WRONLY)), resized_{SIGWINCH} {
  if (::tcgetattr(terminal_, &before_) < 0) throw_errno("reading the terminal's settings");
}

Terminal::~Terminal() { ::tcsetattr(terminal_, TCSADRAIN, &before_); }

Terminal::Size Terminal::size() const {
  winsize window{};
  Size size;
  if (::ioctl(terminal_, TIOCGWINSZ, &window) == 0 && window.ws_row != 0) size = {window.ws_row, window.ws_col};
  return size;
}

void Terminal::raw() const {
  termios settings = before_;
  ::cfmakeraw(&settings);
  // A command in the background must not stop here for a terminal that it will be given later.
  sigset_t background, had;
  sigemptyset(&background);
  sigaddset(&background, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &background, &had);
  ::tcsetattr(terminal_, TCSADRAIN, &settings);
  ::pthread_sigmask(SIG_SETMASK, &had, nullptr);
}

void Terminal::connect(Descriptor master) {
  master_ = std::move(master);
  ::fcntl(master_.get(), F_SETFL, ::fcntl(master_.get(), F_GETFL) | O_NONBLOCK);
  keys_ = {input_.get(), master_.get(), {}};
  screen_ = {master_.get(), output_.get(), {}};
  over_ = false;
  resize();
  raw();
}

void Terminal::resize() const {
  const auto [rows, columns] = size();
  const winsize window{rows, columns, 0, 0};
  if (master_) ::ioctl(master_.get(), TIOCSWINSZ, &window);
}

void Terminal::suspend() {
  ::tcsetattr(terminal_, TCSADRAIN, &before_);
  ::kill(::getpid(), SIGSTOP);
  raw();
  resize();
}

bool Terminal::read_into(Flow& flow) {
  if (!flow.pending.empty() || !can(flow.from, POLLIN)) return true;
  std::array<char, 8192> buffer;  // NOLINT: filled by read
  const ssize_t size = ::read(flow.from, buffer.data(), buffer.size());
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  flow.pending.assign(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

void Terminal::write_from(Flow& flow) {
  if (flow.pending.empty() || !can(flow.to, POLLOUT)) return;
  const ssize_t size = ::write(flow.to, flow.pending.data(), flow.pending.size());
  if (size > 0) flow.pending.erase(0, static_cast<std::size_t>(size));
  if (size < 0 && errno != EAGAIN && errno != EINTR) flow.pending.clear();  // nobody reads it any more
}

void Terminal::want(std::vector<pollfd>& into) {
  into.push_back({resized_.descriptor(), POLLIN, 0});
  if (!master_ || hung_up_) return;
  if (keys_.pending.empty()) into.push_back({input_.get(), POLLIN, 0});
  if (!keys_.pending.empty() && !over_) into.push_back({master_.get(), POLLOUT, 0});
  if (!screen_.pending.empty())
    into.push_back({output_.get(), POLLOUT, 0});
  else if (!over_)
    into.push_back({master_.get(), POLLIN, 0});
}

void Terminal::ready() {
  while (resized_.next() != 0) resize();
  if (!master_ || hung_up_) return;
  if (!read_into(keys_)) hung_up_ = true;
  write_from(keys_);
  if (!read_into(screen_)) over_ = true;
  write_from(screen_);
}

void Terminal::drain() {
  // What a terminal holds is bounded (64 KiB); so is this, whatever the person's side does.
  for (int turn = 0; turn < 64 && master_ && !over_; ++turn) {
    ready();
    if (!screen_.pending.empty()) {
      pollfd polled{output_.get(), POLLOUT, 0};
      if (::poll(&polled, 1, 200) <= 0) return;
    }
  }
}

}  // namespace crypelab::kernel
