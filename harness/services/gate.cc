#include "harness/services/gate.h"

#include "harness/services/json_line.h"

#include <boost/json.hpp>

namespace crypelab::services {
namespace {

namespace json = boost::json;

json::array list_of(const std::vector<std::string>& texts) {
  json::array list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

json::object policy_of(const GatePolicy& from) {
  using Inside = model::FirstBytes::Inside;
  const auto& action = from.action;
  json::object policy{{"number", from.number}, {"name", from.name}};
  json::array inside;
  if (action.inside != Inside::http) inside.emplace_back("tls");
  if (action.inside != Inside::tls) inside.emplace_back("http");
  policy["inside"] = std::move(inside);
  policy["name-required"] = action.sni_required;
  if (!action.sni.empty()) policy["names"] = list_of(action.sni);
  policy["protocols"] = list_of(action.alpn);
  policy["otherwise"] = action.after                                              ? "pass"
                        : action.otherwise == model::FirstBytes::Otherwise::reset ? "reset"
                                                                                  : "drop";
  return policy;
}

}  // namespace

Process gate(const GateSettings& settings) {
  json::array policies;
  for (const auto& policy : settings.policies) policies.push_back(policy_of(policy));
  Process process;
  process.name = settings.name;
  process.host = settings.host;
  process.argv = {"{bin}/crypelab-gate", "{dir}/gate.json"};
  process.files.push_back(
      {"gate.json",
       json::serialize(json::object{{"queue", settings.queue}, {"policies", std::move(policies)}}) + "\n"});
  process.network_administrator = true;
  process.raw_sockets = true;
  process.readiness = PrintsLine{R"({"event":"ready")"};
  process.read_log = read_gate_log;
  return process;
}

std::vector<model::Event> read_gate_log(std::string_view line) {
  return read_json_line(line, model::Source::gate, "decision");
}

}  // namespace crypelab::services
