#pragma once

#include "harness/model/socks.h"
#include "harness/services/process.h"

#include <string>
#include <string_view>
#include <vector>

// A site's SOCKS5 server: Dante (package dante-server).
namespace crypelab::services {

struct SocksSettings {
  std::string process;  // "office.socks"
  std::string host;
  std::string full_name;           // "socks.office.test"
  std::vector<Address> addresses;  // of the host: where it listens, and from where it connects
  model::Socks socks;
};
Process socks(const SocksSettings& settings);

// What a line of its log says, as one event of source `proxy`:
//   tunnel-opened  client, upstream, user
//   tunnel-closed  client, upstream, user, received and sent (bytes from and to the client), reason
//   refused        client, reason: who offers no acceptable method, has no or a wrong password, or asks for something
//                  else than CONNECT to an allowed port
// Of the target Dante tells what it resolved to, not how it was named. Its answers to the lab's own question are left
// out: they go to its own address.
std::vector<model::Event> read_dante_log(std::string_view line);

}  // namespace crypelab::services
