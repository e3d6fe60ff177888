#include "command.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>

#include <boost/asio.hpp>
#include <boost/process/v2.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::test {
namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;

}  // namespace

Finished run(const std::string& program, const std::vector<std::string>& arguments,
             std::chrono::milliseconds deadline) {
  Finished finished;
  asio::io_context context;
  asio::readable_pipe out(context);
  asio::readable_pipe err(context);
  const auto begin = std::chrono::steady_clock::now();
  process::process child(context, program, arguments, process::process_stdio{nullptr, out, err});
  asio::steady_timer timer(context, deadline);
  bool expired = false;
  timer.async_wait([&](const boost::system::error_code& error) {
    if (!error) {
      expired = true;
      boost::system::error_code ignored;
      child.terminate(ignored);
      out.close(ignored);
      err.close(ignored);
    }
  });
  int open = 2;
  const auto done = [&](const boost::system::error_code&, std::size_t) {
    if (--open == 0) timer.cancel();
  };
  asio::async_read(out, asio::dynamic_buffer(finished.out), asio::transfer_all(), done);
  asio::async_read(err, asio::dynamic_buffer(finished.err), asio::transfer_all(), done);
  context.run();
  boost::system::error_code error;
  child.wait(error);
  finished.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  const int status = child.native_exit_code();
  if (!expired && !error) finished.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return finished;
}

Finished crypelab(const std::vector<std::string>& arguments, std::chrono::milliseconds deadline) {
  return run(CRYPELAB_BIN "/crypelab", arguments, deadline);
}

ScenarioFile::ScenarioFile(const std::string& text) {
  static std::atomic<int> number{0};
  path_ = "/tmp/crypelab-test-" + std::to_string(getpid()) + "-" + std::to_string(number++) + ".yaml";
  std::ofstream(path_) << text;
}

ScenarioFile::~ScenarioFile() { std::remove(path_.c_str()); }

}  // namespace crypelab::test
