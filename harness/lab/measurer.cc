#include "harness/lab/measurer.h"

#include "harness/base/error.h"
#include "harness/blueprint/declared.h"
#include "harness/lab/machine.h"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::lab {

using namespace std::chrono_literals;

Measurer::Measurer(Lab& lab, std::string host, std::vector<std::string> words) : host_(std::move(host)) {
  auto in = make_pipe();
  auto out = make_pipe();
  input_ = std::move(in.writing);
  lines_ = LineReader(std::move(out.reading));
  words.insert(words.begin(), own_folder() + "/crypelab-probe");
  program_.emplace(
      lab.start(host_, {.arguments = std::move(words), .descriptors = {in.reading.get(), out.writing.get(), 2}}));
}

void Measurer::tell(std::string text) {
  text += "\n";
  // A job is far smaller than the pipe, unless a scenario has hundreds of clients' worth of questions: then the
  // program reads while this waits.
  for (std::size_t sent = 0; sent < text.size();) {
    const auto size = write(input_.get(), text.data() + sent, text.size() - sent);
    if (size < 0 && errno == EPIPE) return;  // it has just ended: what it has not answered is missed then
    if (size < 0) throw_errno(fmt::format("ask the measuring program on {}", host_));
    sent += static_cast<std::size_t>(size);
  }
}

std::string Measurer::ending() {
  const auto status = program_->wait_until(Loop::Clock::now() + 1s);
  return status ? status->text() : "still running";
}

Measurer start_reflector(Lab& lab, const model::Scenario& scenario) {
  Measurer reflector(lab, "reflector", blueprint::reflector_arguments(scenario));
  bool ready = false;
  lab.loop().watch(reflector.descriptor(), [&] {
    while (const auto line = reflector.line()) ready = ready || line->find("\"ready\"") != std::string::npos;
  });
  const bool in_time = lab.loop().run_until([&] { return ready || reflector.ended(); }, Loop::Clock::now() + 5s);
  lab.loop().forget(reflector.descriptor());
  if (!in_time || !ready)
    throw Failure(Exit::unavailable, fmt::format("the reflector did not start: {}", reflector.ending()));
  return reflector;
}

}  // namespace crypelab::lab
