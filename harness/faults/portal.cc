#include "harness/faults/portal.h"

#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/faults/settings_json.h"
#include "harness/wire/text.h"

#include <csignal>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::faults {
namespace {

constexpr std::string_view kLogin =
    "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>Welcome, please sign in</h1>\n"
    "<form method=\"post\" action=\"/login\"><input name=\"room\"><button>Connect</button></form></body></html>\n";
constexpr std::string_view kWelcome =
    "<!DOCTYPE html>\n<html><head><title>Connected</title></head><body><h1>You are connected</h1></body></html>\n";

// "portal.hotel.test" of "portal.hotel.test:80".
bool names(std::string_view host, std::string_view name) {
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos) host = host.substr(0, colon);
  return wire::equal_ignoring_case(host, name);
}

// Runs nft to its end. False when it refused.
bool load(const std::string& command) {
  std::string program = "nft";
  std::string text = command;
  char* const arguments[] = {program.data(), text.data(), nullptr};
  pid_t child = 0;
  if (const int error = posix_spawnp(&child, "nft", nullptr, nullptr, arguments, environ); error != 0) {
    throw_system_error("start nft", error);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("wait for nft");
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

PortalSettings parse_portal(std::string_view json) {
  const auto object = parse_settings_object(json);
  SettingsReader reader(object, "portal");
  PortalSettings settings;
  settings.places = {reader.endpoints("listen"), reader.endpoints("tls_listen"), reader.text("certificate"),
                     reader.text("key")};
  if (settings.places.plain.empty()) reader.complain("listen", "a list of endpoints");
  settings.name = reader.text("name");
  if (settings.name.empty()) reader.complain("name", "a text");
  for (const auto& value : reader.list("networks")) {
    const auto network = parse_prefix(value.is_string() ? std::string_view(value.get_string()) : "");
    if (!network) reader.complain("networks", "a list of prefixes");
    settings.networks.push_back(*network);
  }
  settings.released = reader.time("released_ms");
  settings.session = reader.time("session_ms");
  settings.closes = reader.time("closes_ms");
  reader.finish();
  return settings;
}

PortalAnswer answer_portal(const PortalSettings& settings, const WebRequest& request) {
  PortalAnswer answer;
  auto& reply = answer.reply;
  reply.type = "text/html";
  reply.more.add("Cache-Control", "no-store");
  if (!names(request.head.fields.find("Host").value_or(""), settings.name)) {
    reply.status = 302;
    reply.more.add("Location", fmt::format("http://{}/", settings.name));
    reply.body = kLogin;
  } else if (request.head.method == "POST" && request.head.target == "/login") {
    answer.login = true;
    reply.body = kWelcome;
  } else {
    reply.body = kLogin;
  }
  return answer;
}

std::string release_command(const Address& client, std::optional<std::chrono::milliseconds> session) {
  const auto limit = session ? fmt::format(" timeout {}ms", session->count()) : "";
  const auto set = client.is_v4() ? "portal_hosts4" : "portal_hosts6";
  // An element that is there keeps its time: out with it first, which must not fail.
  return fmt::format(
      "add element inet crypelab {0} {{ {1} }}; delete element inet crypelab {0} {{ {1} }}; "
      "add element inet crypelab {0} {{ {1}{2} }}",
      set, to_string(client), limit);
}

std::string release_command(const Prefix& network) {
  return fmt::format("add element inet crypelab {} {{ {} }}",
                     network.address.is_v4() ? "portal_networks4" : "portal_networks6",
                     to_string(Prefix{network.network(), network.length}));
}

std::string close_command() {
  std::string command;
  for (const auto* set : {"portal_hosts4", "portal_hosts6", "portal_networks4", "portal_networks6"})
    command += fmt::format("flush set inet crypelab {}; ", set);
  return command;
}

int run_portal(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw Failure(Exit::usage, "usage: crypelab-faults portal SETTINGS.json");
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_errno("signal");
  const auto settings = parse_portal(read_settings_file(arguments.front()));
  Journal journal(STDOUT_FILENO);
  WebServer server(
      settings.places,
      [&](const WebRequest& request) {
        auto answer = answer_portal(settings, request);
        if (!answer.login) return std::move(answer.reply);
        const bool released = load(release_command(request.client.address, settings.session));
        journal.write("released", {{"client", to_string(request.client.address)},
                                   {"by", "login"},
                                   {"succeeded", released},
                                   {"milliseconds", settings.session.value_or(std::chrono::milliseconds(0)).count()}});
        if (!released) answer.reply.status = 500;
        return std::move(answer.reply);
      },
      journal);
  if (settings.released) {
    server.later(*settings.released, [&] {
      for (const auto& network : settings.networks) {
        const bool released = load(release_command(network));
        journal.write("released", {{"client", to_string(network)}, {"by", "time"}, {"succeeded", released}});
      }
    });
  }
  if (settings.closes) {
    server.later(*settings.closes, [&] { journal.write("closed", {{"succeeded", load(close_command())}}); });
  }
  server.run();
  return 0;
}

}  // namespace crypelab::faults
