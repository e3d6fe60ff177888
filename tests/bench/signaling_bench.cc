// The signaling server under load, over TLS on loopback: the server on one core, this program on the others.
//   signaling_bench [--quick]
// Peers connect, send at a steady rate, and are cut off and come back; every message is checked to arrive once and in
// order. A message's latency counts from the moment when it was due to be sent, so that a generator that lags does not
// flatter the server. Ends with 1 when something was lost or repeated; figures are printed, not judged, since they
// depend on the machine.
#include "harness/base/descriptor.h"
#include "harness/base/error.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace crypelab;
using Clock = std::chrono::steady_clock;

struct Plan {
  std::size_t rooms = 5000;
  std::uint64_t rate = 20'000;  // messages a second
  std::uint64_t seconds = 10;
  std::size_t reconnects = 1000;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) throw_errno("sched_setaffinity");
}

template <class T, auto free>
struct Freed {
  void operator()(T* object) const { free(object); }
};

// A folder with certificate, key and tokens.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "signaling-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp");
    path_ = name;
    const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const std::unique_ptr<X509, Freed<X509, X509_free>> leaf(X509_new());
    X509_gmtime_adj(X509_getm_notBefore(leaf.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(leaf.get()), 86'400);
    X509_set_pubkey(leaf.get(), key.get());
    X509_sign(leaf.get(), key.get(), EVP_sha256());
    const std::unique_ptr<FILE, Freed<FILE, fclose>> certificate(fopen(file("certificate.pem").c_str(), "w"));
    const std::unique_ptr<FILE, Freed<FILE, fclose>> secret(fopen(file("key.pem").c_str(), "w"));
    PEM_write_X509(certificate.get(), leaf.get());
    PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::ofstream(file("tokens.json")) << R"({"token-0": "peer-0", "token-1": "peer-1"})";
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class ServerProcess {
 public:
  explicit ServerProcess(const Folder& folder) : log_(folder.file("log")) {
    const std::vector<std::string> words = {
        CRYPELAB_BIN "/crypelab-signaling", "--listen", "127.0.0.1:0",          "--certificate",
        folder.file("certificate.pem"),     "--key",    folder.file("key.pem"), "--tokens",
        folder.file("tokens.json")};
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const Descriptor out = checked(open(log_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600), "log");
    pid_ = fork();
    if (pid_ < 0) throw_errno("fork");
    if (pid_ == 0) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(0, &set);
      if (sched_setaffinity(0, sizeof set, &set) == 0 && dup2(out.get(), 1) == 1) execv(arguments[0], arguments.data());
      _exit(127);
    }
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    while (port_ == 0) {
      if (Clock::now() > deadline || waitpid(pid_, nullptr, WNOHANG) == pid_) {
        throw Failure(Exit::unavailable, "the server did not start");
      }
      poll(nullptr, 0, 1);
      std::ifstream in(log_);
      std::string line;
      const std::string_view mark = "127.0.0.1:";
      if (!std::getline(in, line)) continue;
      const std::size_t at = line.find(mark);
      if (at != std::string::npos) std::from_chars(line.data() + at + mark.size(), line.data() + line.size(), port_);
    }
  }
  ~ServerProcess() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  // Resident memory in kB.
  std::uint64_t memory() const {
    std::ifstream in(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6));
    }
    return 0;
  }
  // User and system time in seconds.
  double cpu() const {
    std::ifstream in(fmt::format("/proc/{}/stat", pid_));
    std::string word;
    double ticks = 0;
    for (int i = 1; i <= 15 && in >> word; ++i) ticks += i >= 14 ? std::stod(word) : 0;
    return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

 private:
  std::string log_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

struct Peer {
  Descriptor socket;
  std::unique_ptr<SSL, Freed<SSL, SSL_free>> tls;
  std::string in;                                                    // bytes of an unfinished frame
  std::deque<std::pair<std::uint64_t, std::string>> unacknowledged;  // by the sender's number
  std::uint64_t sent = 0;
  std::uint64_t heard = 0;  // how many of the other's messages
  std::uint64_t seen = 0;   // the room's number of the last
  bool fresh = false;       // reconnected, first pong not yet here
};

class Generator {
 public:
  Generator(const Plan& plan, std::uint16_t port)
      : port_(port),
        peers_(2 * plan.rooms),
        context_(SSL_CTX_new(TLS_client_method())),
        epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context_.get(), 1);
  }

  std::size_t peers() const { return peers_.size(); }
  void connect_all() {
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      connect(i);
      if (i % 64 == 0) listen(0);  // the first are asked whether they still live while the last connect
    }
  }

  // Sends `rate` messages a second, in turn by every peer, for so long; while doing so cuts `cuts` connections.
  void load(std::uint64_t rate, double seconds, std::size_t cuts) {
    const std::uint64_t start = now_ns();
    const auto total = static_cast<std::uint64_t>(static_cast<double>(rate) * seconds);
    std::size_t cut = 0;
    for (std::uint64_t k = 0; k < total;) {
      const std::uint64_t elapsed = now_ns() - start;
      const std::uint64_t due = std::min<std::uint64_t>(total, 1 + elapsed * rate / 1'000'000'000);
      for (; k < due; ++k) say(next_speaker_++ % peers_.size(), start + k * 1'000'000'000 / rate);
      while (cut < cuts && cut * total < k * cuts) reconnect(cut++ * 7919 % peers_.size());
      listen(1);
    }
  }
  // Until everything that was said was heard; false when that takes more than a minute: late is not lost.
  bool settle() {
    const auto deadline = Clock::now() + std::chrono::minutes(1);
    while (Clock::now() < deadline) {
      bool all = true;
      for (std::size_t i = 0; i < peers_.size(); ++i) all = all && peers_[i].heard == peers_[i ^ 1].sent;
      if (all) return true;
      listen(10);
    }
    return false;
  }

  std::vector<std::uint64_t>& latencies() { return latencies_; }
  std::uint64_t wrong() const { return wrong_; }
  std::uint64_t missing() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < peers_.size(); ++i) sum += peers_[i ^ 1].sent - peers_[i].heard;
    return sum;
  }

 private:
  void connect(std::size_t i) {
    Peer& peer = peers_[i];
    peer.socket = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(peer.socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw_errno("connect");
    const int one = 1;
    setsockopt(peer.socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peer.tls.reset(SSL_new(context_.get()));
    SSL_set_fd(peer.tls.get(), peer.socket.get());
    if (SSL_connect(peer.tls.get()) != 1) throw Failure(Exit::failed, "TLS handshake failed");
    const std::string request = fmt::format(
        "GET /v1/rooms/room-{}?after={} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: crype.signaling.v1\r\nAuthorization: Bearer token-{}\r\n\r\n",
        i / 2, peer.seen, i % 2);
    SSL_write(peer.tls.get(), request.data(), static_cast<int>(request.size()));
    peer.in.clear();
    char buffer[4096];
    std::size_t end = std::string::npos;
    while (end == std::string::npos) {
      const int n = SSL_read(peer.tls.get(), buffer, sizeof buffer);
      if (n <= 0) throw Failure(Exit::failed, "no answer to the upgrade");
      peer.in.append(buffer, static_cast<std::size_t>(n));
      end = peer.in.find("\r\n\r\n");
    }
    if (!peer.in.starts_with("HTTP/1.1 101 ")) throw Failure(Exit::failed, peer.in);
    peer.in.erase(0, end + 4);
    peer.fresh = true;
    if (fcntl(peer.socket.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("fcntl");
    epoll_event event{EPOLLIN, {.u64 = i}};
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, peer.socket.get(), &event) != 0) throw_errno("epoll_ctl");
    take_frames(i);
    read(i);
  }

  void reconnect(std::size_t i) {
    peers_[i].tls.reset();
    const linger hard{1, 0};  // a reset: what was under way is lost
    setsockopt(peers_[i].socket.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    peers_[i].socket.close();
    connect(i);
  }

  void say(std::size_t i, std::uint64_t due) {
    Peer& peer = peers_[i];
    ++peer.sent;
    std::string text = fmt::format(
        R"({{"type":"candidate","seq":{},"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr )"
        R"(10.0.0.5 rport 46154 generation 0 n {} t {}","sdpMid":"0"}})",
        peer.sent, peer.sent, due);
    if (!peer.fresh) write(peer, text);
    peer.unacknowledged.emplace_back(peer.sent, std::move(text));
  }

  static void write(Peer& peer, std::string_view text) {
    frame_.clear();
    frame_ += '\x81';
    frame_ += static_cast<char>(0x80 | 126);  // masked with zeros: 126 to 65,535 bytes
    frame_ += static_cast<char>(text.size() >> 8U);
    frame_ += static_cast<char>(text.size());
    frame_.append(4, '\0');
    frame_ += text;
    // A few hundred bytes always fit; if they do not, the connection is dead, and what was not acknowledged is sent
    // again.
    SSL_write(peer.tls.get(), frame_.data(), static_cast<int>(frame_.size()));
  }

  void listen(int milliseconds) {
    epoll_event events[256];
    const int n = epoll_wait(epoll_.get(), events, 256, milliseconds);
    for (int i = 0; i < n; ++i) read(events[i].data.u64);
  }

  void read(std::size_t i) {
    Peer& peer = peers_[i];
    static char buffer[16'384];
    for (;;) {
      const int n = SSL_read(peer.tls.get(), buffer, sizeof buffer);
      if (n <= 0) {
        if (SSL_get_error(peer.tls.get(), n) != SSL_ERROR_WANT_READ) throw Failure(Exit::failed, "a connection broke");
        return;
      }
      peer.in.append(buffer, static_cast<std::size_t>(n));
      take_frames(i);
      if (SSL_has_pending(peer.tls.get()) == 0) return;
    }
  }

  void take_frames(std::size_t i) {
    Peer& peer = peers_[i];
    std::size_t at = 0;
    while (peer.in.size() - at >= 2) {
      const auto octet = [&](std::size_t k) {
        return static_cast<std::size_t>(static_cast<unsigned char>(peer.in[at + k]));
      };
      std::size_t size = octet(1);
      std::size_t head = 2;
      if (size == 126) {
        if (peer.in.size() - at < 4) break;
        size = octet(2) << 8U | octet(3);
        head = 4;
      }
      if (peer.in.size() - at < head + size) break;
      if (octet(0) == 0x81) take(peer, std::string_view(peer.in).substr(at + head, size));
      if (octet(0) == 0x89) SSL_write(peer.tls.get(), "\x8a\x80\0\0\0\0", 6);  // an empty pong
      at += head + size;
    }
    peer.in.erase(0, at);
  }

  static std::uint64_t number_after(std::string_view text, std::string_view mark) {
    std::uint64_t value = 0;
    const std::size_t at = text.find(mark);
    if (at != std::string_view::npos) std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), value);
    return value;
  }

  void take(Peer& peer, std::string_view text) {
    const std::uint64_t seq = number_after(text, "\"seq\":");
    if (text.starts_with(R"({"type":"pong")")) {
      while (!peer.unacknowledged.empty() && peer.unacknowledged.front().first <= seq) peer.unacknowledged.pop_front();
      if (peer.fresh) {
        peer.fresh = false;
        for (const auto& one : peer.unacknowledged) write(peer, one.second);
      }
      return;
    }
    const std::uint64_t number = number_after(text, " n ");
    if (number != peer.heard + 1 || seq <= peer.seen) ++wrong_;
    peer.heard = number;
    peer.seen = seq;
    const std::uint64_t due = number_after(text, " t ");
    const std::uint64_t now = now_ns();
    latencies_.push_back(now > due ? now - due : 0);
  }

  static inline std::string frame_;
  std::uint16_t port_;
  std::vector<Peer> peers_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>> context_;
  Descriptor epoll_;
  std::size_t next_speaker_ = 0;
  std::vector<std::uint64_t> latencies_;
  std::uint64_t wrong_ = 0;
};

double milliseconds(std::vector<std::uint64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  return static_cast<double>(sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))]) / 1e6;
}

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int measure(const Plan& plan) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2 * plan.rooms + 64) throw Failure(Exit::privilege, "the limit of open files is too low");
  const Folder folder;
  const ServerProcess server(folder);
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1) pin(1);
  Generator generator(plan, server.port());

  const std::uint64_t memory = server.memory();
  auto start = Clock::now();
  double cpu = server.cpu();
  generator.connect_all();
  fmt::print(
      "{} peers in {} rooms connected in {:.1f} s, {:.0f} us of server CPU each, {:.1f} kB of server memory each\n",
      generator.peers(), plan.rooms, since(start), (server.cpu() - cpu) * 1e6 / static_cast<double>(generator.peers()),
      static_cast<double>(server.memory() - memory) / static_cast<double>(generator.peers()));

  start = Clock::now();
  cpu = server.cpu();
  generator.load(plan.rate, static_cast<double>(plan.seconds), 0);
  bool complete = generator.settle();
  const double took = since(start);
  std::vector<std::uint64_t>& latencies = generator.latencies();
  const double count = static_cast<double>(latencies.size());
  const double used = server.cpu() - cpu;
  std::sort(latencies.begin(), latencies.end());
  fmt::print("{:.0f} messages in {:.1f} s ({:.0f}/s), {:.1f} us of server CPU each, {:.0f} % of one core\n", count,
             took, count / took, used * 1e6 / count, 100 * used / took);
  fmt::print("latency p50 {:.2f} ms, p90 {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms\n", milliseconds(latencies, 0.5),
             milliseconds(latencies, 0.9), milliseconds(latencies, 0.99), milliseconds(latencies, 1));

  start = Clock::now();
  generator.load(plan.rate / 10, static_cast<double>(plan.seconds) / 2, plan.reconnects);
  complete = generator.settle() && complete;
  fmt::print("{} forced reconnects in {:.1f} s under {} messages/s: {} lost, {} repeated or out of order\n",
             plan.reconnects, since(start), plan.rate / 10, generator.missing(), generator.wrong());
  fmt::print("server memory at the end {:.1f} MB\n", static_cast<double>(server.memory()) / 1024);
  return complete && generator.wrong() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  if (argc > 1 && std::string_view(argv[1]) == "--quick") plan = Plan{200, 2000, 2, 100};
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return measure(plan);
  } catch (const Failure& failure) {
    fmt::print(stderr, "signaling_bench: {}\n", failure.what());
    return static_cast<int>(failure.exit());
  }
}
