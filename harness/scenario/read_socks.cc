#include "harness/scenario/read_socks.h"

#include "harness/scenario/read_target.h"
#include "harness/scenario/read_users.h"
#include "harness/scenario/read_value.h"

namespace crypelab::scenario {

std::optional<model::Socks> read_socks(const Node& node, Problems& problems) {
  const Mapping map(node, kSocksWords, "a SOCKS server", problems);
  if (!map.ok()) return std::nullopt;
  model::Socks socks;
  if (const Node* port = map.find("port")) {
    if (const auto number = read_number(*port, "a port", {1, 65535}, problems))
      socks.port = static_cast<std::uint16_t>(*number);
  }
  if (const Node* users = map.find("users")) socks.users = read_users(*users, problems);
  if (const Node* ports = map.find("connect-ports")) socks.connect_ports = read_port_list(*ports, problems);
  return socks;
}

}  // namespace crypelab::scenario
