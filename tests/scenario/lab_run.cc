#include "lab_run.h"

#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/evidence/event_line.h"
#include "harness/lab/lab.h"
#include "harness/scenario/loader.h"
#include "told.h"

#include <sstream>

namespace crypelab::test {
namespace {

// What comes between what the program wrote and the events.
constexpr std::string_view kEvents = "\n=== events\n";

constexpr const char* kServer = R"(
import socket, socketserver, ssl, threading

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass

class Head(socketserver.BaseRequestHandler):
    def handle(self):
        data = b''
        try:
            while b'\r\n\r\n' not in data:
                more = self.request.recv(65536)
                if not more:
                    return
                data += more
            self.request.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' % len(data) + data)
        except OSError:
            pass

class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    context = None
    def finish_request(self, request, address):
        try:
            if self.context:
                request = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        self.RequestHandlerClass(request, address, self)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('{dir}/web.crt', '{dir}/web.key')
for port, handler, tls in ((8080, Echo, None), (4433, Echo, context), (8081, Head, None), (4434, Head, context)):
    server = Server(('::', port), handler)
    server.context = tls
    threading.Thread(target=server.serve_forever).start()
print('serving', flush=True)
)";

int body(const blueprint::Blueprint& plan, const std::string& host, const std::string& script,
         kernel::Supervised& supervised, int output) {
  lab::Lab lab(plan, supervised);
  lab::HostProgram shell{.arguments = {"/bin/sh", "-c", script}, .descriptors = {-1, output, output}};
  if (blueprint::find_host(plan, host)->role == blueprint::Role::client) {
    const auto login = lab.credentials(host).turn;
    shell.environment = {{"CRYPELAB_TURN_USER", login.user}, {"CRYPELAB_TURN_PASSWORD", login.password}};
  }
  auto program = lab.start(host, shell);
  lab.start_steps();
  lab.loop().watch(program.descriptor(), [] {});
  std::optional<kernel::ProgramStatus> status;
  lab.loop().run_until([&] { return (status = program.poll()).has_value(); },
                       lab::Loop::Clock::now() + std::chrono::seconds(60));
  lab.loop().forget(program.descriptor());
  if (!status) status = program.kill();
  lab.settle(std::chrono::seconds(5));
  std::string text(kEvents);
  for (const auto& event : lab.events()) text += evidence::event_line(event, lab.redaction());
  for (const auto& casualty : lab.casualties()) text += "casualty: " + casualty + "\n";
  write_all(output, text);
  return status->exit_status();
}

}  // namespace

std::vector<std::string> LabRun::lines(std::string_view source, std::string_view kind) const {
  std::vector<std::string> found;
  std::istringstream all(events);
  for (std::string line; std::getline(all, line);) {
    if (line.find("\"source\":\"" + std::string(source) + "\"") != std::string::npos &&
        line.find("\"kind\":\"" + std::string(kind) + "\"") != std::string::npos)
      found.push_back(line);
  }
  return found;
}

blueprint::Blueprint plan_of(const std::string& scenario) {
  const auto loaded = scenario::parse(scenario, "test.yaml", CRYPELAB_SOURCE "/scenarios/sites");
  if (!loaded.ok()) throw Failure(Exit::data, scenario::to_string(loaded.problems));
  return blueprint::draw(loaded.scenarios.at(0));
}

void add_test_server(blueprint::Blueprint& plan) {
  services::Process server;
  server.name = "web.test";
  server.host = "web";
  server.argv = {"python3", "{dir}/server.py"};
  server.files.push_back({"server.py", kServer});
  server.certificates.push_back({"web", {"www.crype.test", "turns.crype.test"}});
  server.readiness = services::PrintsLine{"serving"};
  server.package = "python3";
  plan.processes.push_back(std::move(server));
}

LabRun run_in_lab(const blueprint::Blueprint& plan, const std::string& host, const std::string& script) {
  LabRun run;
  std::string text;
  try {
    auto told = told_by(
        [&](kernel::Supervised& supervised, int output) { return body(plan, host, script, supervised, output); });
    run.status = told.status;
    text = std::move(told.text);
  } catch (const Failure& failure) {
    run.out = failure.what();
    return run;
  }
  const auto end = text.rfind(kEvents);
  run.out = text.substr(0, end);
  if (end != std::string::npos) run.events = text.substr(end + kEvents.size());
  return run;
}

}  // namespace crypelab::test
