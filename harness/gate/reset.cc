#include "harness/gate/reset.h"

namespace crypelab::gate {

std::vector<std::uint8_t> build_reset(const Endpoint& source, const Endpoint& destination, std::uint32_t sequence,
                                      std::uint32_t acknowledgment) {
  wire::TcpHeader header;
  header.source_port = source.port;
  header.destination_port = destination.port;
  header.sequence = sequence;
  header.acknowledgment = acknowledgment;
  header.rst = true;
  header.ack = true;
  return wire::build_tcp(source, destination, header, {});
}

}  // namespace crypelab::gate
