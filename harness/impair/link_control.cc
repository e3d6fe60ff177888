#include "harness/impair/link_control.h"

#include "harness/base/error.h"

#include <array>
#include <cerrno>
#include <string>

#include <poll.h>
#include <sys/socket.h>

namespace crypelab::impair {
namespace {

constexpr int kPatienceMs = 5000;

[[noreturn]] void throw_gone(const std::string& why) { throw Failure(Exit::software, "the link engine " + why); }

}  // namespace

std::pair<Descriptor, Descriptor> control_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) throw_errno("control channel");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

void LinkControl::set(std::uint32_t link, Direction direction, const Impairment& impairment, Time at) {
  ask(SetImpairment{link, direction, at, impairment});
}

LinkCounters LinkControl::read(std::uint32_t link, Direction direction) {
  const LinkReply reply = ask(ReadCounters{link, direction});
  if (!reply.counters) throw_gone("sent no counters");
  return *reply.counters;
}

LinkReply LinkControl::ask(const LinkRequest& request) {
  const auto message = encode(request);
  if (message.size() > kMaxLinkMessage) {
    throw Failure(Exit::usage, "impairment: too long for a change at run time; shorten its trace or packet list");
  }
  if (::send(control_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    throw_gone("is gone");
  }
  pollfd wait{control_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) throw_gone("did not answer for five seconds");
  std::array<std::uint8_t, 4096> answer;
  const ssize_t size = ::recv(control_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (size <= 0) throw_gone("is gone");
  auto reply = decode_link_reply(std::span(answer).first(static_cast<std::size_t>(size)));
  if (!reply) throw_gone("sent a malformed reply");
  if (!reply->complaint.empty()) throw Failure(Exit::usage, reply->complaint);
  return std::move(*reply);
}

}  // namespace crypelab::impair
