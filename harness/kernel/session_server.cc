#include "harness/kernel/session_server.h"

#include "harness/base/error.h"

#include <csignal>

#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace crypelab::kernel {

class SessionServer::Session {
 public:
  Session(const SessionServer& server, PacketSocket connection) : server_(server), connection_(std::move(connection)) {}

  void want(std::vector<pollfd>& into) const {
    if (connection_) into.push_back({connection_.descriptor(), POLLIN, 0});
    if (program_) into.push_back({program_->descriptor(), POLLIN, 0});
    if (deadline_) into.push_back({deadline_.get(), POLLIN, 0});
  }

  // True when it is over.
  bool step() {
    hear();
    if (deadline_) {
      std::uint64_t times = 0;
      if (::read(deadline_.get(), &times, sizeof times) > 0 && program_) program_->kill();
    }
    if (program_) {
      status_ = program_->poll();
      if (status_) {
        tell({SessionNews::Kind::ended, *status_, 0, {}});
        return true;
      }
      if (program_->stopped() && !told_stopped_) tell({SessionNews::Kind::stopped, {}, 0, {}});
      told_stopped_ = program_->stopped();
    }
    return !connection_ && !program_;
  }

  void signal(int number) {
    if (program_) program_->signal(number);
  }
  const std::optional<ProgramStatus>& status() const { return status_; }

 private:
  void hear() {
    bool ended = false;
    while (connection_) {
      auto packet = connection_.poll(ended);
      if (!packet) break;
      if (!program_)
        start(*packet);
      else if (packet->bytes.size() == 1 && packet->bytes[0] == SIGCONT)
        program_->resume();
      else if (packet->bytes.size() == 1 && packet->bytes[0] > 0 && packet->bytes[0] < NSIG)
        program_->signal(packet->bytes[0]);
    }
    if (ended) leave();
  }

  void start(const Packet& packet) {
    const auto request = decode_session_request(packet.bytes);
    try {
      if (!request) throw Failure(Exit::usage, "not understood: " + request.complaint());
      Seat seat = server_.seat_(*request);
      HostView::Terminal terminal;
      if (request->terminal) {
        if (seat.view == nullptr) throw Failure(Exit::software, "no terminal can be made there");
        terminal = seat.view->open_terminal();
        const winsize window{request->rows, request->columns, 0, 0};
        ::ioctl(terminal.master.get(), TIOCSWINSZ, &window);
        seat.plan.terminal = terminal.slave.get();
        seat.plan.descriptors.assign(3, terminal.slave.get());
      } else {
        if (packet.descriptors.size() != 3) throw Failure(Exit::usage, "three descriptors must come along");
        seat.plan.descriptors.clear();
        for (const Descriptor& descriptor : packet.descriptors) seat.plan.descriptors.push_back(descriptor.get());
      }
      program_.emplace(seat.plan);
      if (terminal.master)
        connection_.send(encode(SessionNews{SessionNews::Kind::terminal, {}, 0, {}}), {terminal.master.get()});
    } catch (const Failure& failure) {
      tell({SessionNews::Kind::refused, {}, static_cast<int>(failure.exit()), failure.what()});
      connection_.close();
    }
  }

  void leave() {
    connection_.close();
    if (!program_) return;
    program_->signal(SIGHUP);
    program_->resume();
    deadline_ = checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "making a timer");
    const itimerspec second{{0, 0}, {1, 0}};
    ::timerfd_settime(deadline_.get(), 0, &second, nullptr);
  }

  void tell(const SessionNews& news) {
    if (connection_) connection_.send(encode(news));
  }

  const SessionServer& server_;
  PacketSocket connection_;
  std::optional<Program> program_;
  std::optional<ProgramStatus> status_;
  Descriptor deadline_;
  bool told_stopped_ = false;
};

SessionServer::SessionServer(std::function<Seat(const SessionRequest&)> seat) : seat_(std::move(seat)) {}
SessionServer::~SessionServer() = default;

void SessionServer::add(PacketSocket connection) {
  constexpr std::size_t most = 32;
  if (sessions_.size() < most) sessions_.push_back(std::make_unique<Session>(*this, std::move(connection)));
}

void SessionServer::signal_all(int number) {
  for (const auto& session : sessions_) session->signal(number);
}

void SessionServer::want(std::vector<pollfd>& into) {
  for (const auto& session : sessions_) session->want(into);
}

void SessionServer::ready() {
  for (std::size_t i = 0; i < sessions_.size();) {
    if (!sessions_[i]->step()) {
      ++i;
      continue;
    }
    if (sessions_[i]->status()) last_ = sessions_[i]->status();
    sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace crypelab::kernel
