#include "datagram.h"

#include "harness/base/error.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

namespace crypelab::kernel {

namespace {

constexpr auto kBetween = std::chrono::milliseconds(10);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  explicit SocketAddress(const char* text) {
    const Endpoint endpoint = *parse_endpoint(text);
    const auto& bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = htons(endpoint.port);
      std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
      std::memcpy(&storage, &v4, size = sizeof v4);
    } else {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(endpoint.port);
      std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
      std::memcpy(&storage, &v6, size = sizeof v6);
    }
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Each call has words of its own: a datagram that waited for its neighbour's address may arrive much later.
bool arrives(const Datagrams& from, const Datagrams& to, const char* destination, std::chrono::milliseconds patience) {
  static int calls = 0;
  const auto words = "question " + std::to_string(++calls);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    from.send(destination, words);
    while (const auto got = to.receive(kBetween)) {
      if (*got == words) return true;
    }
  }
  return false;
}

}  // namespace

Address address(const char* text) { return *parse_address(text); }
Prefix prefix(const char* text) { return *parse_prefix(text); }

Datagrams::Datagrams(const NetworkNamespace& in, const char* local)
    : socket_(in.open_socket(SocketAddress(local).storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK)) {
  const SocketAddress name(local);
  if (::bind(socket_.get(), name.get(), name.size) != 0) throw_errno(std::string("bind to ") + local);
}

bool Datagrams::send(const char* to, const std::string& text) const {
  const SocketAddress name(to);
  return ::sendto(socket_.get(), text.data(), text.size(), 0, name.get(), name.size) ==
         static_cast<ssize_t>(text.size());
}

bool Datagrams::send_as_segments(const char* to, const std::string& text, int segment) const {
  const int off = 0;
  if (::setsockopt(socket_.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) throw_errno("UDP_SEGMENT");
  const bool sent = send(to, text);
  ::setsockopt(socket_.get(), SOL_UDP, UDP_SEGMENT, &off, sizeof off);
  return sent;
}

std::optional<std::string> Datagrams::receive(std::chrono::milliseconds patience) const {
  pollfd readable{socket_.get(), POLLIN, 0};
  std::array<char, 65536> buffer;
  if (::poll(&readable, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return std::nullopt;  // an ICMP error
  return std::string(buffer.data(), static_cast<std::size_t>(got));
}

bool reaches(const Datagrams& from, const Datagrams& to, const char* destination) {
  return arrives(from, to, destination, std::chrono::seconds(2));
}

bool never_reaches(const Datagrams& from, const Datagrams& to, const char* destination) {
  return !arrives(from, to, destination, std::chrono::milliseconds(200));
}

}  // namespace crypelab::kernel
