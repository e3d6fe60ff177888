#include "clients/signaling/settings.h"
#include "harness/base/error.h"
#include "harness/base/units.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace crypelab::signaling {
namespace {

std::string contents(std::istream& in, const std::string& name) {
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) throw Failure(Exit::data, fmt::format("{}: cannot be read", name));
  return text;
}

std::string contents_of(const std::string& path) {
  if (path == "-") return contents(std::cin, "standard input");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Failure(Exit::data, fmt::format("{}: cannot be opened", path));
  return contents(in, path);
}

void demand(const Result<bool>& result, Exit exit, const std::string& where) {
  if (!result)
    throw Failure(exit, where.empty() ? result.complaint() : fmt::format("{}: {}", where, result.complaint()));
}

}  // namespace

Settings settings_from(int argc, const char* const* argv, std::string& help) {
  CLI::App app{"The reference signaling server of CRYPE: rooms of two over WebSocket and HTTPS.", "crypelab-signaling"};
  std::string config;
  std::string tokens;
  std::string secret;
  std::string certificate;
  std::string key;
  std::string idle;
  std::string lifetime;
  std::vector<std::string> listen;
  std::vector<std::string> urls;
  int log = -1;
  app.add_option("--config", config, "JSON configuration, - for standard input; options add to it or replace it");
  app.add_option("--listen", listen, "address:port, [v6]:port; may be given several times");
  app.add_option("--certificate", certificate, "PEM file: leaf first, then the chain");
  app.add_option("--key", key, "PEM file of the leaf's key");
  app.add_option("--tokens", tokens, "JSON file: {\"<token>\": \"<peer>\"}");
  app.add_option("--ice-url", urls, "stun:, stuns:, turn:, turns: URL that clients get; may be given several times");
  app.add_option("--turn-secret", secret, "file that holds coturn's static-auth-secret");
  app.add_option("--turn-lifetime", lifetime, "how long a TURN credential is good, e.g. 1h");
  app.add_option("--idle", idle, "a room without visitors is gone after this, e.g. 2min");
  app.add_option("--log", log, "descriptor that gets one JSON event a line (1)")->check(CLI::Range(1, 1'000'000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    help = app.help();
    return {};
  } catch (const CLI::ParseError& error) {
    throw Failure(Exit::usage, error.what());
  }

  Settings settings;
  if (!config.empty()) demand(read_settings(contents_of(config), settings), Exit::data, config);
  for (const std::string& one : listen) {
    const Result<Endpoint> endpoint = parse_endpoint(one);
    if (!endpoint) throw Failure(Exit::usage, "--listen: " + endpoint.complaint());
    settings.listen.push_back(*endpoint);
  }
  if (!certificate.empty()) settings.certificate = certificate;
  if (!key.empty()) settings.key = key;
  if (!tokens.empty()) demand(read_tokens(contents_of(tokens), settings.tokens), Exit::data, tokens);
  settings.ice.urls.insert(settings.ice.urls.end(), urls.begin(), urls.end());
  if (!secret.empty()) {
    settings.ice.secret = contents_of(secret);
    while (!settings.ice.secret.empty() && settings.ice.secret.back() == '\n') settings.ice.secret.pop_back();
  }
  const auto duration = [](const std::string& text, const char* option) {
    const Result<Duration> parsed = parse_duration(text);
    if (!parsed) throw Failure(Exit::usage, fmt::format("{}: {}", option, parsed.complaint()));
    return std::chrono::duration_cast<Time>(*parsed);
  };
  if (!idle.empty()) settings.limits.idle = duration(idle, "--idle");
  if (!lifetime.empty()) {
    settings.ice.lifetime = static_cast<std::uint64_t>(duration(lifetime, "--turn-lifetime").count() / 1000);
  }
  if (log > 0) settings.log = log;
  demand(check_settings(settings), Exit::usage, "");
  return settings;
}

}  // namespace crypelab::signaling
