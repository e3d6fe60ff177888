#include "harness/services/tayga.h"

#include <fmt/format.h>

namespace crypelab::services {

Process nat64_translator(const Nat64Translator& settings) {
  Process process;
  process.name = settings.name;
  process.host = settings.host;
  process.argv = {"tayga", "--nodetach", "--config", "{dir}/tayga.conf"};
  // A fragment header only where it says something: RFC 6145 section 4 allows the sender of packets without DF to be
  // told nothing.
  process.files.push_back(
      {"tayga.conf",
       fmt::format("tun-device {}\nipv4-addr {}\nprefix {}\ndynamic-pool {}\nstrict-frag-hdr off\n", settings.interface,
                   to_string(settings.pool.network().plus(1)), to_string(settings.prefix), to_string(settings.pool))});
  process.network_administrator = true;
  process.tunnel_device = true;
  process.readiness = HasInterface{settings.interface};
  process.package = "tayga";
  return process;
}

}  // namespace crypelab::services
