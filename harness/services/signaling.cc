#include "harness/services/signaling.h"

#include "harness/model/world.h"
#include "harness/services/json_line.h"
#include "harness/services/server_certificate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::services {
namespace {

constexpr const char* kConfiguration = "{dir}/signaling.json";
constexpr const char* kName = "signal.crype.test";
// Other people's run-time environments take their time.
constexpr std::chrono::seconds kPatienceForVendors{15};

void replace_all(std::string& text, std::string_view word, const std::string& value) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + value.size()))
    text.replace(at, word.size(), value);
}

// What is known of it is that it must speak TLS where it is looked for.
void put_vendors_program(Process& process, const model::Signaling& settings) {
  process.argv = settings.program;
  for (auto& word : process.argv) {
    replace_all(word, "{config}", kConfiguration);
    replace_all(word, "{here}", settings.folder);
  }
  process.folder = settings.folder;
  process.readiness = AnswersTls{{model::world_host(process.host).addresses.front(), 443}, kName};
  process.patience = kPatienceForVendors;
}

}  // namespace

Process signaling(const std::string& host, const model::Signaling& settings, const model::TurnAccess& access,
                  const std::vector<std::string>& clients) {
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
  process.files = {{"signaling.json", fmt::format("{{\"listen\": [{}],\n"
                                                  " \"certificate\": \"{{dir}}/server.crt\", "
                                                  "\"key\": \"{{dir}}/server.key\",\n"
                                                  " \"tokens\": {{{}}},\n \"turn\": {{{}}}}}\n",
                                                  fmt::join(listen, ", "), fmt::join(tokens, ",\n    "), turn)}};
  process.certificates = {
      server_certificate("server", {kName}, "another.crype.test", settings.certificate, settings.key)};
  if (settings.program.empty()) {
    process.argv = {"{bin}/crypelab-signaling", "--config", kConfiguration};
    process.readiness = PrintsLine{R"("event":"ready")"};
  } else {
    put_vendors_program(process, settings);
  }
  process.read_log = read_signaling_log;
  return process;
}

std::vector<model::Event> read_signaling_log(std::string_view line) {
  auto event = event_of_json_line(line, model::Source::signaling);
  if (!event) return {};
  return {std::move(*event)};
}

}  // namespace crypelab::services
