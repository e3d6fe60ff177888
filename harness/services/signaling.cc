#include "harness/services/signaling.h"

#include "harness/model/world.h"
#include "harness/services/json_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::services {

Process signaling(const std::string& host, const model::TurnAccess& access, const std::vector<std::string>& clients) {
  std::vector<std::string> listen;
  for (const auto& address : model::world_host(host).addresses) {
    listen.push_back(fmt::format("\"{}\"", to_string(Endpoint{address, 443})));
  }
  std::vector<std::string> tokens;
  for (const auto& client : clients) tokens.push_back(fmt::format("\"{{secret:token-{0}}}\": \"{0}\"", client));
  std::vector<std::string> urls;
  for (const auto& url : model::standard_ice_urls()) urls.push_back(fmt::format("\"{}\"", url));
  std::string turn = fmt::format("\"urls\": [{}]", fmt::join(urls, ",\n    "));
  if (access.credentials == model::TurnCredentials::time_limited) {
    const auto life = std::chrono::ceil<std::chrono::seconds>(access.credential_life).count();
    turn += fmt::format(",\n    \"secret\": \"{{secret:turn}}\", \"lifetime\": \"{}s\"", life);
  }
  Process process;
  process.name = host;
  process.host = host;
  process.argv = {"{bin}/crypelab-signaling", "--config", "{dir}/signaling.json"};
  process.files = {{"signaling.json", fmt::format("{{\"listen\": [{}],\n"
                                                  " \"certificate\": \"{{dir}}/server.crt\", "
                                                  "\"key\": \"{{dir}}/server.key\",\n"
                                                  " \"tokens\": {{{}}},\n \"turn\": {{{}}}}}\n",
                                                  fmt::join(listen, ", "), fmt::join(tokens, ",\n    "), turn)}};
  process.certificates = {{.file = "server", .names = {"signal.crype.test"}}};
  process.readiness = PrintsLine{R"("event":"ready")"};
  process.read_log = read_signaling_log;
  return process;
}

std::vector<model::Event> read_signaling_log(std::string_view line) {
  auto event = event_of_json_line(line, model::Source::signaling);
  if (!event) return {};
  return {std::move(*event)};
}

}  // namespace crypelab::services
