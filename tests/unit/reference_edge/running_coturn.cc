#include "running_coturn.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::client::transport {
namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using Clock = std::chrono::steady_clock;

std::uint16_t free_port(boost::asio::io_context& io) {
  tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  return acceptor.local_endpoint().port();
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

RunningCoturn::RunningCoturn() {
  std::string pattern = std::filesystem::temp_directory_path() / "edge-coturn-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = pattern;
  trust_ = folder_ + "/certificate.pem";
  hosts_ = folder_ + "/hosts";
  write(hosts_, "127.0.0.1 turns.crype.test other.crype.test\n");
  const auto command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}/key.pem -out "
      "{0}/certificate.pem "
      "-days 2 -subj /CN=turns.crype.test -addext subjectAltName=DNS:turns.crype.test,DNS:localhost >/dev/null 2>&1",
      folder_);
  if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl req");
  boost::asio::io_context io;
  port_ = free_port(io);
  tls_port_ = free_port(io);
  const std::vector<std::string> arguments{"turnserver",
                                           "-n",
                                           "--no-cli",
                                           "--no-dtls",
                                           "--fingerprint",
                                           "--lt-cred-mech",
                                           "--verbose",
                                           "--simple-log",
                                           "--allow-loopback-peers",
                                           "--listening-ip=127.0.0.1",
                                           "--relay-ip=127.0.0.1",
                                           "--realm=crype.test",
                                           "--user=alice:wonder:land",
                                           "--cert=" + trust_,
                                           "--pkey=" + folder_ + "/key.pem",
                                           "--pidfile=" + folder_ + "/pid",
                                           "--log-file=" + folder_ + "/log",
                                           "--userdb=" + folder_ + "/db",
                                           fmt::format("--listening-port={}", port_),
                                           fmt::format("--tls-listening-port={}", tls_port_)};
  std::vector<char*> words;
  for (const auto& one : arguments) words.push_back(const_cast<char*>(one.c_str()));
  words.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) dup2(nowhere, fd);
    close_range(3, ~0u, 0);
    execvp("turnserver", words.data());
    _exit(127);
  }
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  for (const auto port : {port_, tls_port_}) {
    boost::system::error_code error = boost::asio::error::not_connected;
    while (error && Clock::now() < deadline) {
      tcp::socket socket(io);
      socket.connect({boost::asio::ip::address_v4::loopback(), port}, error);
      if (error) std::this_thread::yield();
    }
    if (error) throw std::runtime_error("coturn does not listen: " + log());
  }
  // UDP as well: a Binding request (RFC 8489 §5) until it is answered.
  const std::array<unsigned char, 20> binding{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                              3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
  udp::socket socket(io, udp::endpoint(udp::v4(), 0));
  socket.connect({boost::asio::ip::address_v4::loopback(), port_});
  boost::system::error_code error;
  for (bool answered = false; !answered && Clock::now() < deadline;) {
    socket.send(boost::asio::buffer(binding), 0, error);
    pollfd wanted{socket.native_handle(), POLLIN, 0};
    std::array<unsigned char, 512> answer{};
    answered = poll(&wanted, 1, 50) > 0 && socket.receive(boost::asio::buffer(answer), 0, error) > 0 && !error;
  }
}

RunningCoturn::~RunningCoturn() {
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string RunningCoturn::log() const {
  std::ifstream file(folder_ + "/log");
  return {std::istreambuf_iterator<char>(file), {}};
}

bool RunningCoturn::says(const std::string& text, unsigned times) const {
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (Clock::now() < deadline) {
    const auto said = log();
    unsigned found = 0;
    for (auto at = said.find(text); at != std::string::npos; at = said.find(text, at + 1)) ++found;
    if (found >= times) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace crypelab::client::transport
