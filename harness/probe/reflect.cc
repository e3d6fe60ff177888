#include "harness/probe/reflect.h"

#include "harness/base/error.h"
#include "harness/probe/conversation.h"
#include "harness/probe/output.h"
#include "harness/probe/reflector.h"
#include "harness/probe/socket.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <random>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace crypelab::probe {
namespace {

constexpr std::size_t kConnections = 256;
constexpr Duration kIdle = std::chrono::seconds(60);
constexpr std::uint32_t kLinesPerSecond = 20'000;

struct Connection {
  Descriptor socket;
  Conversation conversation;
  std::size_t listener = 0;
  Endpoint from;
  Time last{0};
  bool finished = false;
};

enum class Watched : std::uint32_t { udp, listener, connection, signals };

class ReflectLoop {
 public:
  explicit ReflectLoop(const ReflectOptions& options);
  int run();

 private:
  void watch(const Descriptor& socket, Watched what, std::uint32_t index, std::uint32_t events, bool again = false);
  void read_datagrams(std::size_t index);
  void accept_connections(std::size_t index);
  void serve(std::uint32_t id, std::uint32_t events);
  void close_idle();
  void flush();
  void log(std::string_view event, std::string_view token, std::string_view transport, const Endpoint& local,
           const Endpoint& from);

  bool logs_;
  Output output_;
  Descriptor epoll_;
  Descriptor signals_;
  std::vector<Descriptor> datagrams_;
  std::vector<Descriptor> listeners_;
  std::vector<Endpoint> listening_;
  Reflector reflector_;
  std::map<std::uint32_t, Connection> connections_;
  std::uint32_t next_connection_ = 0;
  std::uint32_t lines_ = 0;
  std::uint32_t suppressed_ = 0;
  Time second_{0};
};

std::vector<Endpoint> every(const std::vector<Address>& addresses, std::vector<std::uint16_t> ports) {
  ports.insert(ports.begin(), {stun_port, stun_other_port});
  std::vector<Endpoint> endpoints;
  for (const auto& address : addresses) {
    for (const auto port : ports) {
      const Endpoint endpoint{address, port};
      if (std::ranges::find(endpoints, endpoint) == endpoints.end()) endpoints.push_back(endpoint);
    }
  }
  return endpoints;
}

ReflectLoop::ReflectLoop(const ReflectOptions& options)
    : logs_(options.log),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      listening_(every(options.addresses, options.tcp_ports)),
      reflector_(every(options.addresses, options.udp_ports),
                 std::random_device{}() * 0x100000001ull ^ std::random_device{}()) {
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGTERM);
  ::sigaddset(&mask, SIGINT);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  signals_ = checked(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  watch(signals_, Watched::signals, 0, EPOLLIN);
  for (const auto& local : reflector_.sockets()) {
    datagrams_.push_back(open_udp(local));
    watch(datagrams_.back(), Watched::udp, static_cast<std::uint32_t>(datagrams_.size() - 1), EPOLLIN);
  }
  for (const auto& local : listening_) {
    listeners_.push_back(listen_on(local));
    watch(listeners_.back(), Watched::listener, static_cast<std::uint32_t>(listeners_.size() - 1), EPOLLIN);
  }
  output_.line(R"({"event":"ready"})");
}

void ReflectLoop::watch(const Descriptor& socket, Watched what, std::uint32_t index, std::uint32_t events, bool again) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = std::uint64_t{static_cast<std::uint32_t>(what)} << 32 | index;
  if (::epoll_ctl(epoll_.get(), again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket.get(), &event) != 0) {
    throw_errno("epoll_ctl");
  }
}

void ReflectLoop::log(std::string_view event, std::string_view token, std::string_view transport, const Endpoint& local,
                      const Endpoint& from) {
  if (!logs_) return;
  const Time at = now();
  if (at - second_ >= std::chrono::seconds(1)) {
    if (suppressed_ > 0) output_.line(fmt::format(R"({{"event":"suppressed","lines":{}}})", suppressed_));
    lines_ = suppressed_ = 0;
    second_ = at;
  }
  if (++lines_ > kLinesPerSecond) {
    ++suppressed_;
    return;
  }
  const auto quoted = token.empty() ? std::string() : fmt::format(R"("token":"{}",)", token);
  output_.line(fmt::format(R"({{"event":"{}",{}"transport":"{}","local":"{}","source":"{}","t":{}}})", event, quoted,
                           transport, to_string(local), to_string(from), at.count()));
}

void ReflectLoop::read_datagrams(std::size_t index) {
  static ReceiveBuffer buffer;  // one thread
  for (int n = 0; n < 256; ++n) {
    const auto incoming = receive_datagram(datagrams_[index], buffer);
    if (!incoming) break;
    reflector_.receive(index, incoming->from, incoming->bytes, now());
    for (const auto& seen : reflector_.take_seen()) {
      log("received", seen.token, "udp", reflector_.sockets()[seen.socket], seen.from);
    }
    flush();
  }
  for (const auto& error : read_errors(datagrams_[index])) {
    if (error.too_big) reflector_.too_big(error.to, *error.too_big);
  }
}

void ReflectLoop::flush() {
  for (const auto& outgoing : reflector_.take()) {
    // Nobody is told when the machine itself refuses a packet: who asked for it sees that it does not come.
    const auto refused = send_datagram(datagrams_[outgoing.socket], outgoing);
    static_cast<void>(refused);
  }
}

void ReflectLoop::accept_connections(std::size_t index) {
  for (int n = 0; n < 32; ++n) {
    SocketAddress from;
    from.size = sizeof from.storage;
    Descriptor socket(::accept4(listeners_[index].get(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) return;
    log("accepted", "", "tcp", listening_[index], to_endpoint(from));
    if (connections_.size() >= kConnections) {  // the one that has been quiet longest gives way
      connections_.erase(
          std::ranges::min_element(connections_, {}, [](const auto& entry) { return entry.second.last; }));
    }
    const auto id = next_connection_++;
    watch(socket, Watched::connection, id, EPOLLIN);
    connections_.emplace(id, Connection{std::move(socket), Conversation(listening_, index, to_endpoint(from)), index,
                                        to_endpoint(from), now()});
  }
}

void ReflectLoop::serve(std::uint32_t id, std::uint32_t events) {
  static ReceiveBuffer buffer;  // one thread
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  auto& [socket, conversation, listener, from, last, finished] = found->second;
  const Time at = last = now();
  bool broken = (events & EPOLLERR) != 0;
  for (int n = 0; n < 16 && !finished && !broken && conversation.may_read(); ++n) {
    const auto size = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) {
      conversation.receive(wire::Bytes(buffer).first(static_cast<std::size_t>(size)), at);
    } else if (size == 0) {
      finished = true;
      conversation.finished(at);
    } else {
      broken = errno != EAGAIN && errno != EINTR;
      break;
    }
  }
  for (const auto& token : conversation.take_tokens()) log("received", token, "tcp", listening_[listener], from);
  for (int n = 0; n < 16 && !broken && !conversation.outgoing().empty(); ++n) {
    const auto bytes = conversation.outgoing();
    const auto size = ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size > 0) {
      conversation.sent(static_cast<std::size_t>(size), at);
    } else {
      broken = errno != EAGAIN && errno != EINTR;
      break;
    }
  }
  if (broken || conversation.over()) {
    connections_.erase(found);
    return;
  }
  const bool reads = !finished && conversation.may_read();
  watch(socket, Watched::connection, id, (reads ? EPOLLIN : 0u) | (conversation.outgoing().empty() ? 0u : EPOLLOUT),
        true);
}

void ReflectLoop::close_idle() {
  std::erase_if(connections_, [at = now()](const auto& entry) { return at - entry.second.last > kIdle; });
}

int ReflectLoop::run() {
  while (output_.flush()) {
    int timeout = 1000;
    if (const auto next = reflector_.next()) {
      const auto left = std::max<Duration>(*next - now(), Duration(0));
      timeout = static_cast<int>(std::min<long>((left.count() + 999) / 1000, timeout));
    }
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    if (count < 0 && errno != EINTR) throw_errno("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      const auto index = static_cast<std::uint32_t>(event.data.u64);
      switch (static_cast<Watched>(event.data.u64 >> 32)) {
        case Watched::udp:
          read_datagrams(index);
          break;
        case Watched::listener:
          accept_connections(index);
          break;
        case Watched::connection:
          serve(index, event.events);
          break;
        case Watched::signals:
          return 0;
      }
    }
    reflector_.wake(now());
    flush();
    close_idle();
  }
  return 0;
}

}  // namespace

int reflect(const ReflectOptions& options) { return ReflectLoop(options).run(); }

}  // namespace crypelab::probe
