#include "harness/kernel/socket_owner.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace crypelab::kernel {
namespace {

namespace fs = std::filesystem;

// Who opens more files than that, in however many processes, is not looked for any further.
constexpr std::size_t kMostFiles = 5'000;

void put(const Endpoint& endpoint, __be16& port, __be32 (&address)[4]) {
  port = htons(endpoint.port);
  std::memcpy(address, endpoint.address.bytes().data(), endpoint.address.bits() / 8);
}

bool is_number(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

// `left` counts down the files that are looked at.
bool has_open(const fs::path& process, const std::string& socket, std::size_t& left) {
  std::error_code error;
  for (fs::directory_iterator file(process / "fd", error), end; !error && file != end; file.increment(error)) {
    if (left == 0) return false;
    --left;
    std::error_code gone;
    if (fs::read_symlink(file->path(), gone) == socket) return true;
  }
  return false;
}

}  // namespace

SocketOwners::SocketOwners(const NetworkNamespace& in) : socket_((InNamespace(in), NETLINK_SOCK_DIAG)) {}

std::optional<OpenSocket> SocketOwners::find(bool tcp, const Endpoint& local, const Endpoint& remote) {
  inet_diag_req_v2 request{};
  request.sdiag_family = local.address.is_v4() ? AF_INET : AF_INET6;
  request.sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
  request.idiag_states = ~0U;
  request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  // Of UDP the kernel takes the two ends as those of a packet that arrives (udp_dump_one()).
  const auto& source = tcp ? local : remote;
  const auto& destination = tcp ? remote : local;
  put(source, request.id.idiag_sport, request.id.idiag_src);
  put(destination, request.id.idiag_dport, request.id.idiag_dst);
  NetlinkMessage message(SOCK_DIAG_BY_FAMILY, 0);
  message.header(request);
  std::optional<OpenSocket> found;
  try {
    socket_.get(message, "ask for a socket", [&](const nlmsghdr& answer) {
      if (answer.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return;
      const auto* socket = static_cast<const inet_diag_msg*>(nlmsg_data(&answer));
      found = OpenSocket{socket->idiag_uid, socket->idiag_inode};
    });
  } catch (const Failure&) {
    return std::nullopt;
  }
  return found;
}

std::string program_with(const OpenSocket& socket) {
  if (socket.inode == 0) return "";
  const auto name = fmt::format("socket:[{}]", socket.inode);
  std::size_t left = kMostFiles;
  std::error_code error;
  for (fs::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
    if (!is_number(process->path().filename())) continue;
    struct stat of {};
    if (::stat(process->path().c_str(), &of) != 0 || of.st_uid != socket.user) continue;
    if (!has_open(process->path(), name, left)) continue;
    std::error_code gone;
    const auto file = fs::read_symlink(process->path() / "exe", gone);
    if (!gone) return file.filename();
  }
  return "";
}

}  // namespace crypelab::kernel
