#include "harness/kernel/session_client.h"

#include "harness/base/error.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <unistd.h>

namespace crypelab::kernel {

SessionClient::SessionClient(PacketSocket lab, SessionRequest request, std::array<int, 3> standard)
    : lab_(std::move(lab)) {
  request.terminal = ::isatty(standard[0]) == 1 && ::isatty(standard[1]) == 1;
  std::vector<int> lent;
  if (request.terminal) {
    terminal_.emplace(standard[0], standard[1]);
    request.rows = terminal_->size().rows;
    request.columns = terminal_->size().columns;
    const char* type = std::getenv("TERM");
    request.terminal_type = type == nullptr ? "dumb" : type;
  } else {
    lent.assign(standard.begin(), standard.end());
  }
  lab_.send(encode(request), lent);  // a lab that refuses may have gone already: what it said is still to be read
}

void SessionClient::want(std::vector<pollfd>& into) {
  if (lab_) into.push_back({lab_.descriptor(), POLLIN, 0});
  if (terminal_) terminal_->want(into);
}

void SessionClient::ready() {
  if (terminal_) {
    terminal_->ready();
    if (terminal_->hung_up()) lab_.hang_up();  // the lab ends the program
  }
  bool ended = false;
  while (lab_) {
    auto packet = lab_.poll(ended);
    if (!packet) break;
    if (const auto news = decode_session_news(packet->bytes)) take(*news, *packet);
  }
  if (ended) lab_.close();
}

void SessionClient::take(const SessionNews& news, Packet& packet) {
  answered_ = true;
  switch (news.kind) {
    case SessionNews::Kind::refused:
      throw Failure(static_cast<Exit>(news.exit), news.text);
    case SessionNews::Kind::terminal:
      if (terminal_ && packet.descriptors.size() == 1) terminal_->connect(std::move(packet.descriptors.front()));
      return;
    case SessionNews::Kind::stopped: {
      if (terminal_) terminal_->suspend();
      const char resume = SIGCONT;
      lab_.send({&resume, 1});
      return;
    }
    case SessionNews::Kind::ended:
      status_ = news.status;
      if (terminal_) terminal_->drain();
      terminal_.reset();
      return;
  }
}

int SessionClient::run() {
  const SignalQueue signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  while (lab_ && !status_) {
    std::vector<pollfd> polled{{signals.descriptor(), POLLIN, 0}};
    want(polled);
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) throw_errno("waiting for the lab");
    while (const int number = signals.next()) {
      const char message = static_cast<char>(number);
      lab_.send({&message, 1});
      if (number == SIGHUP) lab_.hang_up();
    }
    ready();
  }
  terminal_.reset();
  return status_ ? status_->exit_status() : 128 + SIGHUP;
}

}  // namespace crypelab::kernel
