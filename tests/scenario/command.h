#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace crypelab::test {

// What a finished program left behind.
struct Finished {
  int status = -1;  // exit status, or 128 + signal
  std::string out;
  std::string err;
  std::chrono::milliseconds took{0};
};

// Runs a program to its end and reads what it prints. A program that is not done by the deadline is killed, and its
// status is -1.
Finished run(const std::string& program, const std::vector<std::string>& arguments,
             std::chrono::milliseconds deadline = std::chrono::seconds(30));

// The same for the crypelab that was built beside the tests.
Finished crypelab(const std::vector<std::string>& arguments,
                  std::chrono::milliseconds deadline = std::chrono::seconds(30));

// Writes a scenario into the test's own folder; gone with the object.
class ScenarioFile {
 public:
  explicit ScenarioFile(const std::string& text);
  ~ScenarioFile();
  ScenarioFile(const ScenarioFile&) = delete;
  ScenarioFile& operator=(const ScenarioFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace crypelab::test
