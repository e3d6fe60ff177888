#include "harness/kernel/attach_socket.h"
#include "harness/kernel/session_client.h"
#include "harness/kernel/session_server.h"
#include "site.h"

#include <cstdlib>

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace crypelab::kernel::testing::session_test {
namespace {

class SessionTest : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, SessionTest, ::testing::ValuesIn(callers()), name_of);

// A person's terminal: the test is the person.
class Person {
 public:
  Person() {
    int master = -1, slave = -1;
    if (::openpty(&master, &slave, nullptr, nullptr, nullptr) < 0) throw_errno("openpty");
    master_ = Descriptor(master);
    slave_ = Descriptor(slave);
    ::fcntl(master, F_SETFD, FD_CLOEXEC);
    ::fcntl(slave, F_SETFD, FD_CLOEXEC);
    if (::geteuid() == 0) ::fchmod(slave, 0666);
  }
  // In the command: as after a login at this terminal.
  std::array<int, 3> log_in() const {
    ::setsid();
    ::ioctl(slave_.get(), TIOCSCTTY, 0);
    ::close(master_.get());
    return {slave_.get(), slave_.get(), slave_.get()};
  }
  void type(const std::string& keys) const {
    EXPECT_EQ(::write(master_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // Waits until the screen shows `text`.
  bool sees(const std::string& text, int milliseconds = 10'000) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (screen_.find(text) == std::string::npos) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      pollfd polled{master_.get(), POLLIN, 0};
      std::array<char, 4096> buffer{};
      if (left <= 0 || ::poll(&polled, 1, static_cast<int>(left)) != 1) break;
      const ssize_t size = ::read(master_.get(), buffer.data(), buffer.size());
      if (size <= 0) break;
      screen_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const std::size_t at = screen_.find(text);
    EXPECT_NE(at, std::string::npos) << "expected " << text << ", the screen shows:\n" << screen_;
    if (at == std::string::npos) return false;
    screen_.erase(0, at + text.size());
    return true;
  }
  termios settings() const {
    termios now{};
    ::tcgetattr(slave_.get(), &now);
    return now;
  }
  void resize(unsigned short rows, unsigned short columns) const {
    const winsize window{rows, columns, 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &window);
  }
  void pull_the_plug() {
    slave_.close();
    master_.close();
  }

 private:
  Descriptor master_;
  Descriptor slave_;
  std::string screen_;
};

// A lab whose body serves sessions until none is left and it was not told to go on.
int serve(Supervised& lab, PacketSocket first, const AttachSocket* attached, const Pipe* up) {
  Site site(lab);
  SessionServer sessions([&](const SessionRequest& request) {
    if (request.host == "nowhere") throw Failure(Exit::usage, "no host nowhere");
    Seat seat{site.plan(request.arguments), &site.view()};
    seat.plan.environment["TERM"] = request.terminal_type;
    return seat;
  });
  const bool alone = !first;
  if (first) sessions.add(std::move(first));
  if (up != nullptr) up->say("up");
  while (alone || sessions.open() > 0) {
    std::vector<pollfd> polled{{lab.end_descriptor(), POLLIN, 0}};
    if (attached != nullptr) polled.push_back({attached->descriptor(), POLLIN, 0});
    sessions.want(polled);
    ::poll(polled.data(), polled.size(), -1);
    if (lab.end_signal() != 0) return 128 + lab.end_signal();
    while (attached != nullptr) {
      auto connection = attached->accept();
      if (!connection) break;
      sessions.add(std::move(*connection));
    }
    sessions.ready();
  }
  return sessions.last_status() ? sessions.last_status()->exit_status() : 99;
}

// What `exec` does: a lab, and one program in front of it.
int in_front(std::array<int, 3> standard, const std::string& script) {
  auto [front, back] = PacketSocket::pair();
  SessionClient client(std::move(front), {.host = {}, .arguments = {"/bin/sh", "-c", script}, .terminal_type = {}},
                       standard);
  return supervise([&, &lab_end = back](Supervised& lab) { return serve(lab, std::move(lab_end), nullptr, nullptr); },
                   {.foreground = &client});
}

TEST_P(SessionTest, a_program_in_front_has_the_commands_descriptors_and_exit_status) {
  const Pipe in, out;
  in.say("through the lab\n");
  in.close_writer();
  Command command(GetParam(), [&] { return in_front({in.reader(), out.writer(), 2}, "cat; exit 7"); });
  EXPECT_EQ(exit_of(command.wait()), 7);
  out.close_writer();
  EXPECT_EQ(out.rest(), "through the lab\n");
}

TEST_P(SessionTest, ctrl_c_reaches_the_program) {
  Person person;
  Command command(GetParam(), [&] {
    return in_front(person.log_in(), "trap 'echo caught; exit 6' INT; tty; echo up; while :; do sleep 0.01; done");
  });
  person.sees("/dev/pts/0\r\nup\r\n");
  person.type("\x03");
  person.sees("caught\r\n");
  EXPECT_EQ(exit_of(command.wait()), 6);
}

TEST_P(SessionTest, a_program_in_front_is_ended_by_ctrl_c_and_the_terminal_is_as_it_was) {
  Person person;
  const termios before = person.settings();
  Command command(GetParam(), [&] { return in_front(person.log_in(), "stty -echo; echo up; exec sleep 1000"); });
  person.sees("up\r\n");
  EXPECT_EQ(person.settings().c_lflag & ICANON, 0U) << "every key goes to the lab";
  person.type("\x03");
  EXPECT_EQ(exit_of(command.wait()), 128 + SIGINT);
  const termios after = person.settings();
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_oflag, before.c_oflag);
}

TEST_P(SessionTest, ctrl_z_stops_the_command_and_it_goes_on_later) {
  Person person;
  Command command(GetParam(), [&] { return in_front(person.log_in(), "echo up; read line; echo got $line; exit 3"); });
  person.sees("up\r\n");
  person.type("\x1a");
  // The command stops, as a shell's job does ...
  int status = 0;
  ASSERT_EQ(::waitpid(command.process().pid(), &status, __WALL | WUNTRACED), command.process().pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_NE(person.settings().c_lflag & ICANON, 0U) << "the shell has its terminal back";
  // ... and continues with the program.
  command.process().signal(SIGCONT);
  person.type("back\n");
  person.sees("got back\r\n");
  EXPECT_EQ(exit_of(command.wait()), 3);
}

TEST_P(SessionTest, the_window_size_goes_along) {
  Person person;
  person.resize(33, 101);
  Command command(GetParam(), [&] {
    return in_front(person.log_in(),
                    "trap 'stty size; exit 0' WINCH; stty size; echo up; while :; do sleep 0.01; done");
  });
  person.sees("33 101\r\nup\r\n");
  person.resize(44, 77);
  person.sees("44 77\r\n");
  EXPECT_EQ(exit_of(command.wait()), 0);
}

TEST_P(SessionTest, all_that_a_program_wrote_is_shown_before_the_end) {
  Person person;
  Command command(GetParam(), [&] {
    return in_front(person.log_in(), "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; echo the end");
  });
  person.sees("line 0\r\n");
  person.sees("line 299\r\nthe end\r\n");
  EXPECT_EQ(exit_of(command.wait()), 0);
}

TEST_P(SessionTest, a_closed_terminal_ends_everything) {
  Person person;
  const Pipe pipe;
  Command command(GetParam(), [&] {
    const auto standard = person.log_in();
    pipe.close_reader();
    return in_front(standard, "trap '' HUP TERM; (setsid sleep 1000 &); echo up; while :; do sleep 1000; done");
  });
  person.sees("up\r\n");
  person.pull_the_plug();
  EXPECT_EQ(exit_of(command.wait(5'000)), 128 + SIGHUP);
  pipe.close_writer();
  EXPECT_TRUE(pipe.abandoned(0));
}

TEST_P(SessionTest, what_the_lab_refuses_is_said_in_front) {
  Command command(GetParam(), [&] {
    auto [front, back] = PacketSocket::pair();
    SessionClient client(std::move(front), {.host = "nowhere", .arguments = {"true"}, .terminal_type = {}}, {0, 1, 2});
    return supervise([&, &lab_end = back](Supervised& lab) { return serve(lab, std::move(lab_end), nullptr, nullptr); },
                     {.foreground = &client});
  });
  EXPECT_EQ(exit_of(command.wait()), static_cast<int>(Exit::usage));
}

class RunningLab {
 public:
  RunningLab(Caller caller, const std::string& name)
      : command_(caller, [this, name] {
          const AttachSocket socket(name);
          return supervise([&](Supervised& lab) { return serve(lab, {}, &socket, &up_); });
        }) {
    up_.hear();
  }
  void end() {
    command_.process().signal(SIGTERM);
    EXPECT_EQ(exit_of(command_.wait()), 128 + SIGTERM);
  }

 private:
  Pipe up_;
  Command command_;
};

uid_t owner_of(Caller caller) { return caller == Caller::root || ::geteuid() != 0 ? ::geteuid() : nobody_special; }

TEST_P(SessionTest, a_second_terminal_attaches_to_a_running_lab) {
  const std::string name = "test-" + std::to_string(::getpid());
  const AttachName lab{owner_of(GetParam()), name};
  RunningLab running(GetParam(), name);
  const auto labs = running_labs();
  EXPECT_NE(std::find(labs.begin(), labs.end(), lab), labs.end());
  const auto run = [&](Caller who, const std::string& script, std::array<int, 3> standard) {
    Command command(who, [&] {
      return SessionClient(attach(lab), {.host = {}, .arguments = {"/bin/sh", "-c", script}, .terminal_type = {}},
                           standard)
          .run();
    });
    return exit_of(command.wait());
  };
  const Pipe out;
  EXPECT_EQ(run(GetParam(), "hostname; exit 5", {0, out.writer(), 2}), 5);
  EXPECT_EQ(out.hear(), "alice\n");
  EXPECT_EQ(run(::geteuid() == 0 ? Caller::root : Caller::user, "exit 6", {0, 1, 2}), 6)
      << "root attaches to anybody's";
  running.end();
  EXPECT_EQ(run(GetParam(), "true", {0, 1, 2}), static_cast<int>(Exit::unavailable)) << "nothing stays";
}

TEST_P(SessionTest, an_attached_program_ends_with_its_terminal_and_not_the_lab) {
  const std::string name = "test-" + std::to_string(::getpid());
  const AttachName lab{owner_of(GetParam()), name};
  RunningLab running(GetParam(), name);
  Person person;
  const Pipe witness;
  Command command(GetParam(), [&] {
    return SessionClient(attach(lab),
                         {.host = {},
                          .arguments = {"/bin/sh", "-c", "trap '' HUP; echo up; while :; do sleep 1000; done"},
                          .terminal_type = {}},
                         person.log_in())
        .run();
  });
  person.sees("up\r\n");
  command.process().signal(SIGKILL);
  command.process().reap();
  Command next(GetParam(), [&] {
    return SessionClient(attach(lab), {.host = {}, .arguments = {"/bin/sh", "-c", "exit 8"}, .terminal_type = {}},
                         {0, 1, 2})
        .run();
  });
  EXPECT_EQ(exit_of(next.wait()), 8);
  running.end();
}

TEST(Attach, attach_refuses_another_user) {
  // Two users are needed: as root the test makes both; otherwise it can only see that names are kept apart.
  const std::string name = "test-" + std::to_string(::getpid());
  const Caller owner = callers().front();
  RunningLab running(owner, name);
  Command stranger(Caller::user, [&] {
    if (::geteuid() == owner_of(owner)) return static_cast<int>(Exit::privilege);
    return SessionClient(attach({owner_of(owner), name}), {.host = {}, .arguments = {"true"}, .terminal_type = {}},
                         {0, 1, 2})
        .run();
  });
  EXPECT_EQ(exit_of(stranger.wait()), static_cast<int>(Exit::privilege));
  running.end();
}

TEST(Attach, a_rootless_lab_refuses_another_user) {
  if (::geteuid() != 0) return;  // needs a second user
  const std::string name = "test-" + std::to_string(::getpid());
  RunningLab running(Caller::user, name);
  Command stranger(Caller::root, [&] {
    if (::setresuid(nobody_special + 1, nobody_special + 1, nobody_special + 1) < 0) return 99;
    return SessionClient(attach({nobody_special, name}), {.host = {}, .arguments = {"true"}, .terminal_type = {}},
                         {0, 1, 2})
        .run();
  });
  EXPECT_EQ(exit_of(stranger.wait()), static_cast<int>(Exit::privilege));
  running.end();
}

TEST(Attach, one_name_is_one_lab) {
  const std::string name = "test-" + std::to_string(::getpid());
  const AttachSocket first(name);
  EXPECT_THROW(AttachSocket second(name), Failure);
  EXPECT_THROW(AttachSocket other("a/b"), Failure);
  EXPECT_THROW(AttachSocket other(std::string(200, 'x')), Failure);
}

TEST(SessionMessage, what_is_encoded_reads_back) {
  const SessionRequest request{"alice", true, {"sh", "-c", "echo \xff"}, true, "xterm-256color", 50, 132};
  const auto read = decode_session_request(encode(request));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, request);
  const SessionNews news{SessionNews::Kind::ended, {ProgramStatus::Kind::not_started, 2, "running it"}, 0, {}};
  const auto heard = decode_session_news(encode(news));
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->status.text(), news.status.text());
}

TEST(SessionMessage, junk_is_refused) {
  using namespace std::string_literals;
  for (const std::string& junk :
       {""s, "x"s, "\0"s, "a\0b\0"s, "h\0002\0000\0t\00024\00080\0"s, "h\0000\0000\0t\000-4\00080\0"s,
        "h\0000\0000\0t\00099999999\00080\0"s, "h\0000\0000\0t\00024\00080\0no end"s})
    EXPECT_FALSE(decode_session_request(junk));
  for (const std::string& junk :
       {""s, "E"s, "E\0000\0000\0\0000\0"s, "X\0000\0000\0\0000\0\0"s, "E\0007\0000\0\0000\0\0"s})
    EXPECT_FALSE(decode_session_news(junk));
}

}  // namespace
}  // namespace crypelab::kernel::testing::session_test
