#include "harness/lab/client_process.h"

#include "harness/base/error.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMostAfterEnd = std::size_t{4} << 20;  // what may still lie in a pipe, and more

// What lies in a pipe, at most one piece; nothing when there is none, or its end.
std::string_view read_piece(const Descriptor& from, std::array<char, kPiece>& piece, bool& end) {
  const auto size = read(from.get(), piece.data(), piece.size());
  end = size == 0;
  return size > 0 ? std::string_view(piece.data(), static_cast<std::size_t>(size)) : std::string_view();
}

}  // namespace

ClientProcess::ClientProcess(Lab& lab, const ClientPlan& plan, evidence::LogFile& out, evidence::LogFile& err,
                             std::function<void(model::Event)> tell)
    : lab_(lab), plan_(plan), out_(out), err_(err), tell_(std::move(tell)), talk_(plan.client) {
  auto [job_reading, job_writing] = make_pipe();
  auto [out_reading, out_writing] = make_pipe();
  auto [err_reading, err_writing] = make_pipe();
  // make_pipe()'s reading ends do not block, which is ours to want and not the client's.
  if (fcntl(job_reading.get(), F_SETFL, 0) != 0) throw_errno("make a pipe");
  fcntl(job_writing.get(), F_SETPIPE_SZ, 1 << 20);
  fcntl(job_writing.get(), F_SETFL, O_NONBLOCK);
  const auto size = write(job_writing.get(), plan_.job.data(), plan_.job.size());
  if (size != static_cast<ssize_t>(plan_.job.size())) throw Failure(Exit::software, "a job that fits into no pipe");
  job_writing.close();
  auto environment = plan_.driver.environment;
  for (const auto& [name, value] : plan_.driver.secrets) environment[name] = value;
  for (const auto& [name, value] : plan_.environment) environment[name] = value;
  tell_({lab_.now(), model::Source::lab, plan_.client, "client-started", {{"driver", plan_.driver.name}}});
  program_.emplace(
      lab_.start(plan_.client, {.arguments = plan_.driver.command,
                                .environment = environment,
                                .descriptors = {job_reading.get(), out_writing.get(), err_writing.get()}}));
  output_ = std::move(out_reading);
  errors_ = std::move(err_reading);
  lab_.loop().watch(output_.get(), [this] { hear(); });
  lab_.loop().watch(errors_.get(), [this] { read_errors(); });
  lab_.loop().watch(program_->descriptor(), [this] { look(); });
  lab_.loop().at(Loop::Clock::now() + plan_.deadline, [this] { end("deadline"); });
}

ClientProcess::~ClientProcess() {
  if (output_) lab_.loop().forget(output_.get());
  if (errors_) lab_.loop().forget(errors_.get());
  if (!ended()) lab_.loop().forget(program_->descriptor());
}

void ClientProcess::hear() {
  std::array<char, kPiece> piece;
  bool end = false;
  const auto bytes = read_piece(output_, piece, end);
  out_.take(bytes);
  talk_.take(bytes, lab_.now());
  pass_on();
  if (end) return lab_.loop().forget(output_.get());
  const auto deaf_until = talk_.deaf_until();
  if (!deaf_until) return;
  lab_.loop().forget(output_.get());
  lab_.loop().at(lab_.up() + *deaf_until, [this] {
    if (output_ && !ended()) lab_.loop().watch(output_.get(), [this] { hear(); });
  });
}

void ClientProcess::read_errors() {
  std::array<char, kPiece> piece;
  bool end = false;
  err_.take(read_piece(errors_, piece, end));
  if (end) lab_.loop().forget(errors_.get());
}

void ClientProcess::look() {
  const int descriptor = program_->descriptor();
  auto status = program_->poll();
  if (!status) return;
  lab_.loop().forget(descriptor);
  lab_.loop().forget(output_.get());
  lab_.loop().forget(errors_.get());
  // Whatever it had written is in the pipes; nobody is left to write more.
  std::array<char, kPiece> piece;
  bool end = false;
  for (std::size_t heard = 0; heard < kMostAfterEnd;) {
    const auto bytes = read_piece(output_, piece, end);
    if (bytes.empty()) break;
    out_.take(bytes);
    talk_.take(bytes, lab_.now());
    heard += bytes.size();
  }
  talk_.end(lab_.now());
  pass_on();
  for (std::size_t heard = 0; heard < kMostAfterEnd;) {
    const auto bytes = read_piece(errors_, piece, end);
    if (bytes.empty()) break;
    err_.take(bytes);
    heard += bytes.size();
  }
  output_.close();
  errors_.close();
  model::Event last{lab_.now(), model::Source::lab, plan_.client, "client-ended", {}};
  switch (status->kind) {
    case kernel::ProgramStatus::Kind::exited:
      last.fields.emplace_back("exit", std::int64_t{status->value});
      break;
    case kernel::ProgramStatus::Kind::signalled:
      last.fields.emplace_back("signal", std::int64_t{status->value});
      break;
    case kernel::ProgramStatus::Kind::not_started:
      last.fields.emplace_back("not-started", status->text());
      break;
  }
  if (why_ == "deadline") last.fields.emplace_back("timed-out", true);
  if (!why_.empty()) last.fields.emplace_back("ended-by-lab", why_);
  status_ = std::move(status);
  tell_(std::move(last));
}

void ClientProcess::pass_on() {
  for (auto& event : talk_.events()) tell_(std::move(event));
}

void ClientProcess::end(std::string why) {
  if (ended() || !why_.empty()) return;
  why_ = std::move(why);
  program_->signal(SIGTERM);
  lab_.loop().at(Loop::Clock::now() + kGrace, [this] {
    if (!ended()) program_->condemn();
  });
}

}  // namespace crypelab::lab
