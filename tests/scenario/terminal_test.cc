#include "../kernel/variants.h"
#include "harness/kernel/attach_socket.h"
#include "harness/kernel/session_message.h"
#include "words.h"

#include <csignal>

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

namespace crypelab::test::terminal_test {
namespace {

using kernel::testing::Caller;

// `shell` joins a lab of its scenario that runs: each process of tests has a scenario of its own.
const std::string kName = "terminal-" + std::to_string(::getpid());
const std::string kNetwork = [] {
  std::string text = kTwoSites;
  return text.replace(text.find("two-sites"), 9, kName);
}();
const std::string kDoor = "test." + kName;
const std::string kAlice = "[alice in test/" + kName + "]";
const std::string kBob = "[bob in test/" + kName + "]";

class Terminal : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, Terminal, ::testing::ValuesIn(kernel::testing::callers()), kernel::testing::name_of);

// A person at a terminal of their own who has started a crypelab.
class Person {
 public:
  Person(Caller caller, std::vector<std::string> words) {
    words.insert(words.begin(), kProgram);
    winsize window{24, 80, 0, 0};
    pid_ = ::forkpty(&master_, nullptr, nullptr, &window);
    if (pid_ == 0) {
      if (::geteuid() == 0) ::fchmod(0, 0666);
      kernel::testing::become(caller);
      ::setenv("TERM", "dumb", 1);
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(kProgram.c_str(), arguments.data());
      ::_exit(99);
    }
    ::fcntl(master_, F_SETFD, FD_CLOEXEC);
  }
  ~Person() {
    hang_up();
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Person(const Person&) = delete;
  Person& operator=(const Person&) = delete;

  void type(const std::string& keys) const {
    EXPECT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // What stood on the screen before `text`, which is waited for, since the last time.
  std::string until(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (auto at = screen_.find(text);; at = screen_.find(text)) {
      if (at != std::string::npos) {
        const auto before = screen_.substr(0, at);
        screen_.erase(0, at + text.size());
        return before;
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd polled{master_, POLLIN, 0};
      std::array<char, 4096> buffer{};
      ssize_t size = 0;
      if (left.count() <= 0 || ::poll(&polled, 1, static_cast<int>(left.count())) != 1 ||
          (size = ::read(master_, buffer.data(), buffer.size())) <= 0) {
        ADD_FAILURE() << "expected " << text << ", the screen shows:\n" << screen_;
        return "";
      }
      screen_.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
  // What a command prints: typed so that the echo of it does not hold the marks.
  std::string ask(const std::string& command) {
    type("echo be''gin; " + command + "; echo e''nd\n");
    until("begin\r\n");
    return until("end\r\n");
  }
  void resize(unsigned short rows, unsigned short columns) const {
    const winsize window{rows, columns, 0, 0};
    ::ioctl(master_, TIOCSWINSZ, &window);
  }
  void hang_up() {
    if (master_ >= 0) ::close(master_);
    master_ = -1;
  }
  pid_t pid() const { return pid_; }
  int wait() {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd polled{process.get(), POLLIN, 0};
    if (::poll(&polled, 1, 20'000) != 1) return -1;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  int master_ = -1;
  pid_t pid_ = -1;
  std::string screen_;
};

TEST_P(Terminal, the_prompt_says_where_it_is_and_exit_gives_the_status) {
  const ScenarioFile file(kNetwork);
  Person person(GetParam(), {"shell", file.path(), "--host", "bob"});
  person.until(kBob);
  EXPECT_EQ(person.ask("hostname"), "bob\r\n");
  EXPECT_EQ(person.ask("tty | cut -c1-9"), "/dev/pts/\r\n");
  person.type("exit 42\n");
  EXPECT_EQ(person.wait(), 42);
}

TEST_P(Terminal, control_c_reaches_the_program_and_the_window_has_its_size) {
  const ScenarioFile file(kNetwork);
  Person person(GetParam(), {"shell", file.path()});
  person.until(kAlice);
  EXPECT_EQ(person.ask("stty size"), "24 80\r\n");
  person.resize(50, 132);
  EXPECT_EQ(person.ask("while [ \"$(stty size)\" != '50 132' ]; do :; done; stty size"), "50 132\r\n");
  // It is the program itself that says that it runs, so that the key cannot reach the shell before it.
  person.type("sh -c 'echo be\"\"fore; exec sleep 1000'; echo \"ended: $?\"\n");
  person.until("before\r\n");
  person.type("\x03");
  person.until(kAlice);
  EXPECT_EQ(person.ask("echo still here"), "still here\r\n");
  person.type("exit\n");
  person.wait();
}

TEST_P(Terminal, a_second_terminal_is_in_the_same_lab_which_ends_with_the_last_one) {
  const ScenarioFile file(kNetwork);
  Person first(GetParam(), {"shell", file.path()});
  first.until(kAlice);
  const auto namespaces = first.ask("readlink /proc/self/ns/net");
  const auto addresses = first.ask("ip -o addr");
  EXPECT_NE(addresses.find("inet"), std::string::npos);
  Person second(GetParam(), {"shell", file.path()});
  second.until(kAlice);
  EXPECT_EQ(second.ask("readlink /proc/self/ns/net"), namespaces);
  EXPECT_EQ(second.ask("ip -o addr"), addresses);
  Person bob(GetParam(), {"shell", file.path(), "--host", "bob"});
  bob.until(kBob);
  EXPECT_NE(bob.ask("readlink /proc/self/ns/net"), namespaces);
  bob.type("exit 0\n");
  EXPECT_EQ(bob.wait(), 0);
  // The one that brought it up leaves; the lab goes on for the other.
  first.type("exit 0\n");
  EXPECT_EQ(second.ask("readlink /proc/self/ns/net"), namespaces);
  second.type("exit 7\n");
  EXPECT_EQ(second.wait(), 7);
  EXPECT_EQ(first.wait(), 0);
  for (const auto& lab : kernel::running_labs()) EXPECT_NE(lab.lab, kDoor);
}

TEST_P(Terminal, a_terminal_that_is_closed_ends_the_lab) {
  const ScenarioFile file(kNetwork);
  Person person(GetParam(), {"shell", file.path()});
  person.until(kAlice);
  person.type("trap '' HUP TERM; sleep 1000\n");
  person.hang_up();
  EXPECT_EQ(person.wait(), 128 + SIGHUP);
}

TEST(Attach, another_user_is_refused) {
  if (::geteuid() != 0) return;  // there is nobody else to be
  const ScenarioFile file(kNetwork);
  Person owner(Caller::root, {"shell", file.path()});
  owner.until(kAlice);
  kernel::testing::Command stranger(Caller::user, [] {
    const auto lab = kernel::attach({0, kDoor});
    pollfd polled{lab.descriptor(), POLLIN, 0};
    if (::poll(&polled, 1, 10'000) != 1) return 1;
    bool ended = false;
    const auto packet = lab.poll(ended);
    if (!packet) return 2;
    const auto news = kernel::decode_session_news(packet->bytes);
    return news.ok() && news->kind == kernel::SessionNews::Kind::refused ? news->exit : 3;
  });
  EXPECT_EQ(kernel::testing::exit_of(stranger.wait()), 77);
  // `shell` of another user opens a lab of their own.
  Person other(Caller::user, {"shell", file.path()});
  other.until(kAlice);
  EXPECT_NE(other.ask("readlink /proc/self/ns/net"), owner.ask("readlink /proc/self/ns/net"));
  other.type("exit 0\n");
  EXPECT_EQ(other.wait(), 0);
  owner.type("exit 0\n");
  EXPECT_EQ(owner.wait(), 0);
}

}  // namespace
}  // namespace crypelab::test::terminal_test
