#include "clients/reference/call/session.h"
#include "clients/reference/command_line.h"
#include "clients/reference/event/reporter.h"
#include "clients/reference/job/job.h"
#include "clients/reference/load/relay_load.h"
#include "harness/base/error.h"
#include "harness/base/overloaded.h"

#include <csignal>
#include <exception>
#include <iostream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::client {
namespace {

std::string read_all(int fd, std::size_t most) {
  std::string text;
  std::array<char, 16'384> buffer{};
  while (text.size() <= most) {
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0) throw_errno("standard input");
    if (n == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

job::Job session_job(job::Job job, unsigned number) {
  const auto suffix = "." + std::to_string(number);
  job.signaling.url += suffix;
  if (!job.signaling.fallback.empty()) job.signaling.fallback += suffix;
  return job;
}

int run_calls(const job::Job& job, const event::Reporter& reporter, unsigned sessions) {
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  SecureRandom random;
  std::vector<std::unique_ptr<call::Session>> calls;
  unsigned running = sessions;
  int status = 0;
  for (unsigned i = 0; i < sessions; ++i) {
    const bool one = sessions == 1;
    calls.push_back(std::make_unique<call::Session>(context.get_executor(), one ? job : session_job(job, i),
                                                    one ? reporter : reporter.for_session(i), random));
    boost::asio::co_spawn(context, calls.back()->run(), [&](const std::exception_ptr& broken, int ended) {
      if (broken) std::rethrow_exception(broken);
      status = std::max(status, ended);
      if (--running == 0) context.stop();
    });
  }
  signals.async_wait([&](boost::system::error_code error, int) {
    if (error) return;
    for (const auto& one : calls) one->stop("terminated");
  });
  context.run();
  return status;
}

int run_load(const job::Job& job, const event::Reporter& reporter, unsigned sessions) {
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGTERM, SIGINT);
  SecureRandom random;
  load::RelayLoad load(context.get_executor(), job, sessions, reporter, random);
  int status = 0;
  boost::asio::co_spawn(context, load.run(), [&](const std::exception_ptr& broken, int ended) {
    if (broken) std::rethrow_exception(broken);
    status = ended;
    context.stop();
  });
  signals.async_wait([&](boost::system::error_code error, int) {
    if (!error) load.stop();
  });
  context.run();
  return status;
}

int run(const CommandLine& command) {
  const auto text = read_all(STDIN_FILENO, job::largest_job);
  const auto start = Time::clock::now();
  return std::visit(Overloaded{[&](const job::Job& job) {
                                 const event::Reporter reporter(STDOUT_FILENO, start, job::secrets(job));
                                 reporter.hello(version, features());
                                 return job.task == job::Task::call ? run_calls(job, reporter, command.sessions)
                                                                    : run_load(job, reporter, command.sessions);
                               },
                               [](const job::Malformed& malformed) {
                                 std::cerr << fmt::format("crypelab-client: the job is malformed at '{}': it {}\n",
                                                          malformed.pointer, malformed.text);
                                 return static_cast<int>(Exit::usage);
                               },
                               [](const job::Unsupported& unsupported) {
                                 std::cerr << "crypelab-client: " << unsupported.text << "\n";
                                 return exit_unsupported;
                               }},
                    job::read_job(text));
}

}  // namespace
}  // namespace crypelab::client

int main(int argc, char** argv) {
  using namespace crypelab;
  try {
    std::signal(SIGPIPE, SIG_IGN);
    const auto command = client::read_command_line({argv + 1, argv + argc});
    if (!command) {
      std::cerr << "crypelab-client: " << command.complaint() << "\n";
      return static_cast<int>(Exit::usage);
    }
    if (!command->answer.empty()) {
      std::cout << command->answer;
      return 0;
    }
    return client::run(*command);
  } catch (const Failure& failure) {
    std::cerr << "crypelab-client: " << failure.what() << "\n";
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    std::cerr << "crypelab-client: " << error.what() << "\n";
    return static_cast<int>(Exit::software);
  }
}
