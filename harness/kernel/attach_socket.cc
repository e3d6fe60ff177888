#include "harness/kernel/attach_socket.h"

#include "harness/base/error.h"
#include "harness/kernel/session_message.h"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

constexpr std::string_view prefix = "crypelab/";

struct Address {
  sockaddr_un address{};
  socklen_t length = 0;
};

Address address_of(const AttachName& name) {
  const std::string text = fmt::format("{}{}/{}", prefix, name.owner, name.lab);
  Address result;
  result.address.sun_family = AF_UNIX;
  if (text.size() + 1 > sizeof result.address.sun_path || name.lab.empty() || name.lab.find('/') != std::string::npos)
    throw Failure(Exit::usage, "not a name of a lab: " + name.lab);
  // A first byte of zero says "abstract": unix(7).
  std::memcpy(result.address.sun_path + 1, text.data(), text.size());
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return result;
}

Descriptor make_socket() {
  return checked(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "making a socket");
}

const sockaddr* generic(const Address& address) { return reinterpret_cast<const sockaddr*>(&address.address); }

}  // namespace

AttachSocket::AttachSocket(const std::string& lab) : owner_(::geteuid()), socket_(make_socket()) {
  // In the user namespace of a lab every stranger shows as this uid.
  constexpr uid_t overflow = 65534;
  if (owner_ == overflow) throw Failure(Exit::privilege, "the user nobody cannot run a lab that others attach to");
  const Address address = address_of({owner_, lab});
  if (::bind(socket_.get(), generic(address), address.length) < 0) {
    if (errno == EADDRINUSE) throw Failure(Exit::unavailable, "a lab named " + lab + " is running already");
    throw_errno("naming the lab's socket");
  }
  if (::listen(socket_.get(), 8) < 0) throw_errno("listening for other terminals");
}

std::optional<PacketSocket> AttachSocket::accept() const {
  for (;;) {
    const int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return std::nullopt;
    }
    PacketSocket connection{Descriptor(fd)};
    const uid_t user = connection.peer().user;
    if (user == owner_ || user == 0) return connection;
    connection.send(encode(SessionNews{
        SessionNews::Kind::refused, {}, static_cast<int>(Exit::privilege), "this lab belongs to another user"}));
  }
}

std::vector<AttachName> running_labs() {
  std::vector<AttachName> labs;
  std::ifstream sockets("/proc/net/unix");
  for (std::string line; std::getline(sockets, line);) {
    const std::size_t at = line.find(fmt::format(" @{}", prefix));
    // The fourth column has __SO_ACCEPTCON for the listening socket; a connection carries the same name.
    if (at == std::string::npos || line.find(" 00010000 ") == std::string::npos) continue;
    const std::string_view rest = std::string_view(line).substr(at + 2 + prefix.size());
    AttachName name;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), name.owner);
    if (error != std::errc() || end == rest.data() + rest.size() || *end != '/') continue;
    name.lab = rest.substr(static_cast<std::size_t>(end - rest.data()) + 1);
    labs.push_back(std::move(name));
  }
  return labs;
}

PacketSocket attach(const AttachName& name) {
  const Address address = address_of(name);
  Descriptor socket = make_socket();
  const uid_t self = ::geteuid();
  // As root in the owner's name: the lab sees the uid that was effective at connect(2).
  const bool as_owner = self == 0 && name.owner != 0;
  if (as_owner && ::seteuid(name.owner) < 0) throw_errno("speaking as the lab's owner");
  const int result = ::connect(socket.get(), generic(address), address.length);
  const int error = errno;
  if (as_owner && ::seteuid(self) < 0) throw_errno("being root again");
  if (result < 0) {
    if (error == ECONNREFUSED) throw Failure(Exit::unavailable, "no lab named " + name.lab + " is running");
    throw_system_error("attaching to " + name.lab, error);
  }
  PacketSocket lab(std::move(socket));
  // Anybody may take any abstract name: who listens must be who the name says.
  if (lab.peer().user != name.owner)
    throw Failure(Exit::privilege, "somebody else answers in the place of the lab " + name.lab);
  return lab;
}

}  // namespace crypelab::kernel
