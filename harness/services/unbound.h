#pragma once

#include "harness/services/process.h"

#include <optional>
#include <string_view>

// unbound: the resolver that synthesizes AAAA records from A records (DNS64, RFC 6147).
namespace crypelab::services {

struct Dns64 {
  std::string name;  // of the process
  std::string host;
  std::vector<Address> listen;
  std::uint16_t port = 53;
  Endpoint upstream;  // that knows the names: on the same host
  Prefix prefix;      // of the NAT64
};
Process dns64(const Dns64& settings);

// Lines of `log-replies: yes` become events "answer" with client, name, type and code.
std::vector<model::Event> read_unbound_log(std::string_view line);

}  // namespace crypelab::services
