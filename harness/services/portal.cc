#include "harness/services/portal.h"

#include "harness/services/milliseconds.h"
#include "harness/services/pac_server.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace crypelab::services {
namespace {

namespace json = boost::json;

}  // namespace

Process portal(const PortalSettings& settings) {
  json::array plain;
  json::array tls;
  json::array networks;
  for (const auto& subnet : settings.subnets) {
    plain.emplace_back(to_string(Endpoint{subnet.address, 80}));
    tls.emplace_back(to_string(Endpoint{subnet.address, 443}));
    networks.emplace_back(to_string(Prefix{subnet.network(), subnet.length}));
  }
  json::object made{{"listen", std::move(plain)}, {"name", settings.full_name}, {"networks", std::move(networks)}};
  Process process;
  if (settings.portal.tls == model::Portal::Tls::foreign_certificate) {
    made["tls_listen"] = std::move(tls);
    made["certificate"] = "{dir}/portal.crt";
    made["key"] = "{dir}/portal.key";
    process.certificates.push_back({"portal", {settings.full_name}, Issuer::stranger});
  }
  if (settings.portal.released) made["released_ms"] = milliseconds(*settings.portal.released);
  if (settings.portal.closes) made["closes_ms"] = milliseconds(*settings.portal.closes);
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"{bin}/crypelab-faults", "portal", "{dir}/portal.json"};
  process.files = {{"portal.json", json::serialize(made)}};
  process.network_administrator = true;  // it lets hosts through by elements of nft sets
  process.programs = {"nft"};
  process.package = "nftables";
  process.readiness = PrintsLine{R"("event":"ready")"};
  process.read_log = read_web_log;
  return process;
}

}  // namespace crypelab::services
