#include "harness/services/pac_server.h"

#include "harness/services/json_line.h"
#include "harness/services/milliseconds.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace crypelab::services {
namespace {

namespace json = boost::json;

json::object file_at(const char* path, const model::Pac& pac) {
  return {{"path", path},
          {"file", "{dir}/proxy.pac"},
          {"type", "application/x-ns-proxy-autoconfig"},
          {"delay_ms", milliseconds(pac.delay)},
          {"never", pac.state == model::ServerState::silent}};
}

}  // namespace

Process pac_server(const PacServerSettings& settings) {
  json::array files{file_at(kPacPath, settings.pac)};
  if (settings.pac.wpad) files.push_back(file_at(kWpadPath, settings.pac));
  const json::object made{{"listen", json::array{"0.0.0.0:80", "[::]:80"}}, {"files", std::move(files)}};
  Process process;
  process.name = settings.process;
  process.host = settings.host;
  process.argv = {"{bin}/crypelab-faults", "files", "{dir}/files.json"};
  process.files = {{"files.json", json::serialize(made)},
                   {.name = "proxy.pac", .content = settings.pac.content, .verbatim = true}};
  process.readiness = PrintsLine{R"("event":"ready")"};
  process.read_log = read_web_log;
  return process;
}

std::vector<model::Event> read_web_log(std::string_view line) { return read_json_line(line, model::Source::web); }

}  // namespace crypelab::services
