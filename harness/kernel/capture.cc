#include "harness/kernel/capture.h"

#include "harness/base/error.h"

#include <algorithm>
#include <atomic>
#include <ctime>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace crypelab::kernel {

namespace {

constexpr std::size_t kBlock = std::size_t{256} << 10;
constexpr unsigned kRetireMilliseconds = 10;
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

template <class T>
void set_option(const Descriptor& socket, int option, const T& value, const char* what) {
  if (::setsockopt(socket.get(), SOL_PACKET, option, &value, sizeof value) != 0) throw_errno(what);
}

void set_snap_length(const Descriptor& socket, std::uint32_t length) {
  sock_filter keep{BPF_RET | BPF_K, 0, 0, length};
  const sock_fprog program{1, &keep};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    throw_errno("set the snap length of a capture");
  }
}

Descriptor open_packet_socket(const Link& link) {
  try {
    return link.in().open_socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);  // protocol 0: nothing arrives before bind()
  } catch (const Failure& failure) {
    if (failure.exit() == Exit::privilege) throw;
    throw Failure(Exit::unavailable,
                  fmt::format("{}: capturing needs packet sockets (CONFIG_PACKET); load the module af_packet as root",
                              failure.what()));
  }
}

}  // namespace

Capture::Capture(const Link& link) : Capture(link, Settings{}) {}

Capture::Capture(const Link& link, const Settings& settings)
    : snap_length_(settings.snap_length), socket_(open_packet_socket(link)) {
  set_option(socket_, PACKET_VERSION, static_cast<int>(TPACKET_V3), "choose the form of a capture ring");
  set_snap_length(socket_, snap_length_);
  map_ring(settings);
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ALL);
  where.sll_ifindex = static_cast<int>(link.index());
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
    const int error = errno;
    ::munmap(ring_.data(), ring_.size());
    throw_system_error(fmt::format("capture on {}", link.name()), error);
  }
}

void Capture::map_ring(const Settings& settings) {
  tpacket_req3 request{};
  request.tp_block_size = kBlock;
  request.tp_block_nr = static_cast<unsigned>(std::max<std::size_t>(2, (settings.ring_bytes + kBlock - 1) / kBlock));
  request.tp_frame_size = TPACKET_ALIGNMENT << 7;
  request.tp_frame_nr = request.tp_block_nr * (request.tp_block_size / request.tp_frame_size);
  request.tp_retire_blk_tov = kRetireMilliseconds;
  set_option(socket_, PACKET_RX_RING, request, "make the ring of a capture");
  const std::size_t size = kBlock * request.tp_block_nr;
  void* start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, socket_.get(), 0);
  if (start == MAP_FAILED) throw_errno("map the ring of a capture");
  ring_ = {static_cast<std::uint8_t*>(start), size};
  // A mapping keeps its socket: in the first process of every program, which is a copy of this one, the capture would
  // go on until the last of them has ended.
  if (::madvise(start, size, MADV_DONTFORK) != 0) {
    const int error = errno;
    ::munmap(start, size);
    throw_system_error("keep the ring of a capture to this process", error);
  }
}

Capture::~Capture() { ::munmap(ring_.data(), ring_.size()); }

std::size_t Capture::read(const std::function<void(const CapturedPacket&)>& take) {
  // An interface that is down, or goes down, leaves ENETDOWN behind, which would keep the descriptor readable.
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);

  const std::int64_t offset = now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC);
  std::size_t count = 0;
  // At most once around, so that a flood cannot keep the reader here for ever.
  for (std::size_t left = ring_.size() / kBlock; left > 0; --left) {
    auto* start = ring_.data() + next_block_ * kBlock;
    auto& block = reinterpret_cast<tpacket_block_desc*>(start)->hdr.bh1;
    const std::atomic_ref<std::uint32_t> status(block.block_status);
    if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) break;
    const auto* frame = start + block.offset_to_first_pkt;
    for (std::uint32_t i = 0; i < block.num_pkts; ++i) {
      const auto* header = reinterpret_cast<const tpacket3_hdr*>(frame);
      const auto* from = reinterpret_cast<const sockaddr_ll*>(frame + TPACKET_ALIGN(sizeof(tpacket3_hdr)));
      CapturedPacket packet;
      packet.realtime_ns = header->tp_sec * kSecond + header->tp_nsec;
      packet.monotonic_ns = packet.realtime_ns - offset;
      packet.length = header->tp_len;
      packet.outgoing = from->sll_pkttype == PACKET_OUTGOING;
      packet.bytes = {frame + header->tp_mac, header->tp_snaplen};
      take(packet);
      ++count;
      frame += header->tp_next_offset;
    }
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    next_block_ = (next_block_ + 1) % (ring_.size() / kBlock);
  }
  return count;
}

// A filter that keeps no byte of a packet keeps no packet (socket(7), SO_ATTACH_FILTER); a new one replaces the old.
void Capture::set_deaf(bool deaf) { set_snap_length(socket_, deaf ? 0 : snap_length_); }

std::uint64_t Capture::dropped() {
  tpacket_stats_v3 statistics{};  // reading it starts the kernel's count afresh
  socklen_t size = sizeof statistics;
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) != 0) {
    throw_errno("read the drop count of a capture");
  }
  return dropped_ += statistics.tp_drops;
}

}  // namespace crypelab::kernel
