#pragma once

#include "harness/model/world.h"
#include "harness/services/process.h"

#include <map>
#include <optional>
#include <string_view>

// dnsmasq: the authoritative world, and the resolver of a site.
namespace crypelab::services {

// The names of the world: a query for another name is answered NXDOMAIN, for another type NODATA.
Process world_dns(const std::string& host, const std::vector<Address>& listen,
                  const std::vector<model::WorldName>& names);
// The file of world_dns that holds the names; rewritten and announced by SIGHUP when records change.
File world_dns_records(const std::vector<model::WorldName>& names);

// An nftables set of `table inet crypelab` that takes the addresses which answers for `domains` brought.
struct LearningSet {
  std::string set4;
  std::string set6;
  std::vector<std::string> names;  // exact names
};

struct Resolver {
  std::string name;  // of the process
  std::string host;
  std::vector<Address> listen;
  std::uint16_t port = 53;
  std::optional<Address> upstream;  // absent: names of the world do not exist (NXDOMAIN)
  std::vector<LearningSet> sets;
  std::vector<model::WorldName> records;  // names of the site itself, answered whatever the upstream says
  std::string domain;                     // of the site itself: of its names nobody else is asked
};
Process resolver(const Resolver& settings);

// A resolver that leads every name to these addresses, which are its own.
Process hijacker(const std::string& name, const std::string& host, const std::vector<Address>& listen,
                 std::uint16_t port);

// What dnsmasq said about a question, from its log (log-queries=extra).
struct DnsLogLine {
  unsigned serial = 0;  // the same for a question and its answers
  Endpoint client;
  enum class Kind { query, forwarded, answer } kind = Kind::query;
  std::string type;  // of a query: "A", "AAAA"
  std::string name;
  std::string value;  // of an answer: address, "NXDOMAIN", "NODATA-IPv6", "<CNAME>", "SERVFAIL"; of a forward: server
  bool operator==(const DnsLogLine&) const = default;
};
// nullopt: not a line about a question.
std::optional<DnsLogLine> parse_dnsmasq_log(std::string_view line);
// The same as one event of source `dns`; the lab's own questions are left out:
//   question   serial, client, name, type
//   forwarded  serial, client, name, server
//   answer     serial, client, name, value
std::vector<model::Event> read_dnsmasq_log(std::string_view line);

}  // namespace crypelab::services
