#include "running.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::test {

Running::Running(const std::vector<std::string>& arguments) {
  output_ = "/tmp/crypelab-running-XXXXXX";
  const int file = mkstemp(output_.data());
  if (file < 0) std::abort();
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), CRYPELAB_BIN "/crypelab");
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) {
    dup2(file, 1);
    dup2(file, 2);
    setpgid(0, 0);
    execv(pointers.front(), pointers.data());
    _exit(127);
  }
  close(file);
}

Running::~Running() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::remove(output_.c_str());
}

void Running::signal(int number) const { kill(process_, number); }

bool Running::wait_for(const std::function<bool()>& fact, std::chrono::milliseconds deadline) const {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

Finished Running::wait(std::chrono::milliseconds deadline) {
  Finished finished;
  int status = 0;
  const bool ended = wait_for([&] { return waitpid(process_, &status, WNOHANG) == process_; }, deadline);
  if (ended) {
    process_ = -1;
    finished.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  std::ostringstream text;
  text << std::ifstream(output_).rdbuf();
  finished.out = text.str();
  return finished;
}

bool runs_somewhere(const std::string& words) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ostringstream line;
    line << std::ifstream(entry.path() / "cmdline").rdbuf();
    if (line.str().find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace crypelab::test
