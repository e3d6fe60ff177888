#pragma once

#include "harness/model/network.h"
#include "harness/services/process.h"

// The program that stands before a site's resolver and makes it slow or broken.
namespace crypelab::services {

// Whether that takes the program at all.
bool has_faults(const model::Dns& dns);

struct DnsFaults {
  std::string name;  // of the process
  std::string host;
  std::vector<Address> listen;  // port 53
  Endpoint upstream;            // on the same host
  model::Dns dns;
};
Process dns_faults(const DnsFaults& settings);

// Lines {"event": "question", ...} become events "question" with client, transport, name, type and fate.
std::vector<model::Event> read_dns_faults_log(std::string_view line);

}  // namespace crypelab::services
