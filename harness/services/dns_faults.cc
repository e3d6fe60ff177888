#include "harness/services/dns_faults.h"

#include <array>

#include <boost/json.hpp>

namespace crypelab::services {

bool has_faults(const model::Dns& dns) {
  return dns.delay > Duration{0} || dns.answers == model::Answers::servfail || dns.aaaa != model::Aaaa::normal;
}

Process dns_faults(const DnsFaults& settings) {
  Process process;
  process.name = settings.name;
  process.host = settings.host;
  process.argv = {"{bin}/crypelab-faults", "dns"};
  const auto option = [&process](const char* name, const std::string& value) {
    process.argv.emplace_back(name);
    process.argv.push_back(value);
  };
  for (const auto& address : settings.listen) option("--listen", to_string(Endpoint{address, 53}));
  option("--upstream", to_string(settings.upstream));
  if (settings.dns.delay > Duration{0}) option("--delay", to_string(settings.dns.delay));
  if (settings.dns.answers == model::Answers::servfail) option("--answers", "servfail");
  switch (settings.dns.aaaa) {
    case model::Aaaa::normal:
      break;
    case model::Aaaa::servfail:
      option("--aaaa", "servfail");
      break;
    case model::Aaaa::silent:
      option("--aaaa", "silent");
      break;
    case model::Aaaa::nxdomain:
      option("--aaaa", "nxdomain");
      break;
  }
  process.readiness = PrintsLine{R"("event":"ready")"};
  process.read_log = read_dns_faults_log;
  process.package = "crypelab";
  return process;
}

std::vector<model::Event> read_dns_faults_log(std::string_view line) {
  boost::system::error_code error;
  const auto value = boost::json::parse(line, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto text = [object](std::string_view name) -> std::string {
    const auto* field = object->if_contains(name);
    return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
  };
  if (object == nullptr || text("event") != "question") return {};
  model::Event event;
  event.source = model::Source::dns;
  event.kind = "question";
  for (const char* name : {"client", "transport", "name", "type", "fate"}) event.fields.emplace_back(name, text(name));
  return {event};
}

}  // namespace crypelab::services
