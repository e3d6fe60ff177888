#include "clients/reference/datachannel/sctp.h"

#include "harness/base/error.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>
#include <usrsctp.h>

namespace crypelab::client::datachannel {
namespace {

constexpr std::uint16_t most_retransmissions = 200;  // in a row; five minutes

void check(int result, const char* what) {
  if (result < 0) throw_errno(what);
}

template <class Value>
void set(struct socket* s, int level, int option, const Value& value, const char* what) {
  check(usrsctp_setsockopt(s, level, option, &value, sizeof value), what);
}

sockaddr_conn address_of(std::uintptr_t number, std::uint16_t port) {
  sockaddr_conn address{};
  address.sconn_family = AF_CONN;
  address.sconn_port = htons(port);
  address.sconn_addr = reinterpret_cast<void*>(number);
  return address;
}

sockaddr* general(sockaddr_conn& address) { return reinterpret_cast<sockaddr*>(&address); }

void set_up(struct socket* s, const Sctp::Settings& settings) {
  check(usrsctp_set_non_blocking(s, 1), "SCTP without blocking");
  const linger abort_at_once{1, 0};
  set(s, SOL_SOCKET, SO_LINGER, abort_at_once, "SCTP linger");
  const int yes = 1;
  set(s, IPPROTO_SCTP, SCTP_NODELAY, yes, "SCTP without Nagle");
  set(s, IPPROTO_SCTP, SCTP_RECVRCVINFO, yes, "SCTP information of messages");
  const sctp_assoc_value resets{SCTP_ALL_ASSOC, 1};
  set(s, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, resets, "SCTP stream resets");
  for (const auto type : {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT}) {
    const sctp_event event{SCTP_FUTURE_ASSOC, static_cast<std::uint16_t>(type), 1};
    set(s, IPPROTO_SCTP, SCTP_EVENT, event, "SCTP events");
  }
  // ICE finds another path within seconds, and SCTP does not hear of it: what a timer that was doubled up to a minute
  // (RFC 9260 §16) would add to every gap is bounded. Who gives up is ICE, not the count of retransmissions.
  const sctp_rtoinfo timeouts{0, 500, 1'500, 400};
  set(s, IPPROTO_SCTP, SCTP_RTOINFO, timeouts, "SCTP timeouts");
  sctp_assocparams patience{};
  patience.sasoc_asocmaxrxt = most_retransmissions;
  set(s, IPPROTO_SCTP, SCTP_ASSOCINFO, patience, "SCTP patience");
  const sctp_initmsg beginning{0, 0, most_retransmissions, 1'500};
  set(s, IPPROTO_SCTP, SCTP_INITMSG, beginning, "SCTP patience in the beginning");
  sctp_paddrparams path{};
  path.spp_flags = SPP_PMTUD_DISABLE;
  path.spp_pathmaxrxt = most_retransmissions;
  constexpr std::size_t common_header = 12;  // usrsctp does not count it
  path.spp_pathmtu = static_cast<std::uint32_t>(settings.mtu - common_header);
  set(s, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path, "SCTP packet size");
}

}  // namespace

void Sctp::Close::operator()(struct socket* s) const { usrsctp_close(s); }

Sctp::Sctp(Settings settings, Output& out)
    : settings_(settings), out_(out), number_(SctpStack::instance().enter(*this)) {
  try {
    socket_.reset(usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr));
    if (!socket_) throw_errno("SCTP socket");
    set_up(socket_.get(), settings_);
    auto local = address_of(number_, settings_.local_port);
    check(usrsctp_bind(socket_.get(), general(local), sizeof local), "SCTP bind");
    auto remote = address_of(number_, settings_.remote_port);
    if (usrsctp_connect(socket_.get(), general(remote), sizeof remote) < 0 && errno != EINPROGRESS) {
      throw_errno("SCTP connect");
    }
  } catch (...) {
    SctpStack::instance().leave(number_);
    throw;
  }
}

Sctp::~Sctp() {
  SctpStack::instance().leave(number_);  // first: what the socket still sends goes nowhere
  socket_.reset();
}

void Sctp::abort() {
  socket_.reset();
  lose("ended");
}

void Sctp::receive(wire::Bytes packet) {
  if (state_ == State::closed) return;
  usrsctp_conninput(reinterpret_cast<void*>(number_), packet.data(), packet.size(), 0);
  collect();
}

void Sctp::collect() {
  thread_local std::array<std::uint8_t, 65'536> buffer;
  while (socket_ && state_ != State::closed && messages_.size() < most_waiting) {
    sctp_rcvinfo info{};
    socklen_t info_size = sizeof info;
    unsigned kind = 0;
    int flags = 0;
    sockaddr_conn from{};
    socklen_t from_size = sizeof from;
    const auto n = usrsctp_recvv(socket_.get(), buffer.data(), buffer.size(), general(from), &from_size, &info,
                                 &info_size, &kind, &flags);
    if (n < 0) {
      if (errno != EWOULDBLOCK && errno != EAGAIN && errno != ENOTCONN && errno != EINPROGRESS) lose("SCTP broke");
      return;
    }
    if (n == 0) return lose("the peer ended the association");
    const wire::Bytes piece(buffer.data(), static_cast<std::size_t>(n));
    if ((flags & MSG_NOTIFICATION) != 0) {
      if ((flags & MSG_EOR) != 0) notified(piece);
      continue;
    }
    if (kind != SCTP_RECVV_RCVINFO) continue;
    if (partial_.size() + piece.size() > settings_.most_message)
      return lose("the peer sent a message that is too large");
    partial_.insert(partial_.end(), piece.begin(), piece.end());
    if ((flags & MSG_EOR) == 0) continue;
    messages_.push_back({info.rcv_sid, ntohl(info.rcv_ppid), std::move(partial_)});
    partial_ = {};
  }
}

void Sctp::notified(wire::Bytes notification) {
  if (notification.size() < sizeof(sctp_notification::sn_header)) return;
  decltype(sctp_notification::sn_header) head{};
  std::memcpy(&head, notification.data(), sizeof head);
  if (head.sn_type == SCTP_ASSOC_CHANGE && notification.size() >= offsetof(sctp_assoc_change, sac_info)) {
    std::uint16_t change = 0;
    std::memcpy(&change, notification.data() + offsetof(sctp_assoc_change, sac_state), sizeof change);
    if (change == SCTP_COMM_UP) state_ = State::up;
    if (change == SCTP_COMM_LOST) lose("the SCTP association is lost");
    if (change == SCTP_SHUTDOWN_COMP) lose("the peer ended the association");
    if (change == SCTP_CANT_STR_ASSOC) lose("the SCTP association could not be made");
    return;
  }
  constexpr std::size_t list = offsetof(sctp_stream_reset_event, strreset_stream_list);
  if (head.sn_type != SCTP_STREAM_RESET_EVENT || notification.size() < list) return;
  if ((head.sn_flags & SCTP_STREAM_RESET_INCOMING_SSN) == 0 || (head.sn_flags & SCTP_STREAM_RESET_FAILED) != 0) return;
  for (std::size_t at = list; at + 2 <= notification.size() && resets_.size() < 1'024; at += 2) {
    std::uint16_t stream = 0;
    std::memcpy(&stream, notification.data() + at, sizeof stream);
    resets_.push_back(stream);
  }
}

void Sctp::lose(std::string why) {
  state_ = State::closed;
  failure_ = std::move(why);
}

bool Sctp::send(wire::Bytes message, const Carriage& carriage, std::uint64_t room) {
  if (state_ != State::up) return false;
  if (room_ != std::min(room, most_room)) {
    room_ = std::min(room, most_room);
    set(socket_.get(), SOL_SOCKET, SO_SNDBUF, static_cast<int>(room_), "SCTP buffer");
  }
  sctp_sendv_spa how{};
  how.sendv_flags = SCTP_SEND_SNDINFO_VALID;
  how.sendv_sndinfo.snd_sid = carriage.stream;
  how.sendv_sndinfo.snd_ppid = htonl(static_cast<std::uint32_t>(carriage.payload));
  how.sendv_sndinfo.snd_flags = static_cast<std::uint16_t>(carriage.ordered ? 0 : SCTP_UNORDERED);
  if (carriage.retransmissions || carriage.lifetime_ms) {
    how.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    how.sendv_prinfo.pr_policy = static_cast<std::uint16_t>(carriage.lifetime_ms ? SCTP_PR_SCTP_TTL : SCTP_PR_SCTP_RTX);
    how.sendv_prinfo.pr_value = carriage.lifetime_ms ? *carriage.lifetime_ms : *carriage.retransmissions;
  }
  const auto sent =
      usrsctp_sendv(socket_.get(), message.data(), message.size(), nullptr, 0, &how, sizeof how, SCTP_SENDV_SPA, 0);
  return sent == static_cast<ssize_t>(message.size());
}

void Sctp::reset(std::uint16_t stream) {
  if (state_ != State::up) return;
  std::array<std::uint8_t, sizeof(sctp_reset_streams) + sizeof stream> request{};
  sctp_reset_streams head{};
  head.srs_assoc_id = SCTP_ALL_ASSOC;
  head.srs_flags = SCTP_STREAM_RESET_OUTGOING;
  head.srs_number_streams = 1;
  std::memcpy(request.data(), &head, sizeof head);
  std::memcpy(request.data() + offsetof(sctp_reset_streams, srs_stream_list), &stream, sizeof stream);
  // Fails while one is under way; the channel is then closed on the other side with the association.
  usrsctp_setsockopt(socket_.get(), IPPROTO_SCTP, SCTP_RESET_STREAMS, request.data(),
                     static_cast<socklen_t>(offsetof(sctp_reset_streams, srs_stream_list) + sizeof stream));
}

std::optional<Sctp::Message> Sctp::poll() {
  if (messages_.empty()) return std::nullopt;
  auto message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

std::optional<std::uint16_t> Sctp::poll_reset() {
  if (resets_.empty()) return std::nullopt;
  const auto stream = resets_.front();
  resets_.pop_front();
  return stream;
}

}  // namespace crypelab::client::datachannel
