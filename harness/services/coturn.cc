#include "harness/services/coturn.h"

#include "harness/base/error.h"
#include "harness/model/world.h"
#include "harness/services/server_certificate.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::services {
namespace {

std::vector<std::string> names_of(const std::string& host) {
  std::vector<std::string> names;
  const auto& own = model::world_host(host).addresses;
  for (const auto& name : model::world_names()) {
    if (std::ranges::find(own, name.addresses.front()) != own.end()) names.push_back(name.name);
  }
  return names;
}

std::string endpoint(const Address& address, std::uint16_t port) { return to_string(Endpoint{address, port}); }

}  // namespace

TurnAddresses turn_addresses(const std::string& host) {
  std::vector<Address> families[2];
  for (const auto& address : model::world_host(host).addresses) families[address.is_v4() ? 0 : 1].push_back(address);
  TurnAddresses addresses;
  for (const auto& family : families) {
    if (family.size() != 3) throw Failure(Exit::software, host + " is no TURN server of the standard world");
    addresses.plain.push_back(family[0]);
    addresses.plain443.push_back(family[1]);
    addresses.tls.push_back(family[2]);
  }
  return addresses;
}

Certificate turn_certificate(const std::string& host, const model::TurnServer& settings) {
  return server_certificate("server", names_of(host), "relay.example.test", settings.certificate, settings.key);
}

// coturn listens for everything on every endpoint; the host's rules close what the standard world does not have. The
// address for TLS is the listener proper, so that both of its ports exist on it alone; the others are "auxiliary".
// One relay thread: the lines of one allocation stand together in the log.
Process coturn(const std::string& host, const model::TurnServer& settings, const model::TurnAccess& access,
               const std::vector<std::string>& users) {
  const auto addresses = turn_addresses(host);
  std::string conf;
  for (const auto& address : addresses.tls) conf += fmt::format("listening-ip={}\n", to_string(address));
  conf += "listening-port=443\ntls-listening-port=5349\n";
  for (const auto& address : addresses.plain) conf += fmt::format("aux-server={}\n", endpoint(address, 3478));
  for (const auto& address : addresses.plain443) conf += fmt::format("aux-server={}\n", endpoint(address, 443));
  for (const auto& address : addresses.plain) conf += fmt::format("relay-ip={}\n", to_string(address));
  conf +=
      "realm=crype.test\nfingerprint\ncert={dir}/server.crt\npkey={dir}/server.key\nno-tlsv1\nno-tlsv1_1\nno-dtls\n"
      "no-cli\nno-rfc5780\nno-multicast-peers\nrelay-threads=1\n"
      "verbose\nlog-file=stdout\nsimple-log\npidfile={dir}/pid\nuserdb={dir}/users\n";
  conf += fmt::format("stale-nonce={}\n", std::chrono::ceil<std::chrono::seconds>(settings.nonce_life).count());
  if (access.credentials == model::TurnCredentials::time_limited) {
    conf += "use-auth-secret\nstatic-auth-secret={secret:turn}\n";
  } else {
    conf += "lt-cred-mech\n";
    for (const auto& user : users) conf += fmt::format("user={0}:{{secret:turn-{0}}}\n", user);
  }
  if (settings.quota > 0) conf += fmt::format("user-quota={}\n", settings.quota);
  if (!settings.alternate.empty()) {
    const auto other = turn_addresses(settings.alternate);
    for (const auto& address : other.plain) conf += fmt::format("alternate-server={}\n", endpoint(address, 3478));
    for (const auto& address : other.tls) conf += fmt::format("tls-alternate-server={}\n", endpoint(address, 443));
  }
  Process process;
  process.name = host;
  process.host = host;
  process.argv = {"turnserver", "-c", "{dir}/turnserver.conf"};
  process.files = {{"turnserver.conf", conf}};
  process.certificates = {turn_certificate(host, settings)};
  process.readiness = AnswersTurn{{addresses.plain.front(), 3478}, {addresses.tls.back(), 5349}};
  process.read_log = read_coturn_log;
  process.package = "coturn";
  return process;
}

}  // namespace crypelab::services
