#include "data_segments.h"

#include <stdexcept>

// The C library's own struct tcp_info ends before this counter, and the two headers exclude each other.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace crypelab::faults {

unsigned data_segments_in(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) throw std::runtime_error("TCP_INFO");
  return info.tcpi_data_segs_in;
}

}  // namespace crypelab::faults
