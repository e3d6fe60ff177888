#include "call.h"

#include "harness/base/error.h"
#include "harness/base/socket_address.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace crypelab::client {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

std::string program(std::string_view name) { return fmt::format("{}/{}", CRYPELAB_BIN, name); }

json::object job_of(const SignalingServer& signaling, const Call::Changes& changes, bool caller) {
  json::object job{{"contract", 1},
                   {"task", "call"},
                   {"role", caller ? "caller" : "callee"},
                   {"peer", caller ? "bob" : "alice"},
                   {"proof", caller ? "proof-of-alice" : "proof-of-bob"},
                   {"seed", 1},
                   {"deadline", changes.deadline},
                   {"signaling", signaling.access(caller ? "alice" : "bob", changes.room)},
                   {"ice", {{"servers", changes.ice_servers}, {"policy", changes.policy}, {"loopback", true}}},
                   {"app", "desktop"},
                   {"proxy", {{"mode", "direct"}}},
                   {"trust", changes.trust.empty() ? signaling.trust() : changes.trust},
                   {"work", changes.work},
                   {"misbehave", caller ? changes.misbehave : json::array()}};
  for (const auto& member : caller ? changes.alice : changes.bob) job[member.key()] = member.value();
  return job;
}

}  // namespace

std::string client_program() { return program("crypelab-client"); }

SignalingServer::SignalingServer(const std::vector<std::string>& ice_urls) : port_(free_port()) {
  write_certificate(folder_);
  folder_.write("tokens.json", R"({"token-of-alice": "alice", "token-of-bob": "bob"})");
  folder_.write("secret", "north-secret");
  command_ = {program("crypelab-signaling"),
              "--listen",
              fmt::format("127.0.0.1:{}", port_),
              "--certificate",
              folder_.file("certificate.pem"),
              "--key",
              folder_.file("key.pem"),
              "--tokens",
              folder_.file("tokens.json"),
              "--turn-secret",
              folder_.file("secret"),
              "--ice-url",
              "turn:127.0.0.1:3478"};
  for (const auto& url : ice_urls) command_.insert(command_.end(), {"--ice-url", url});
  restart();
}

void SignalingServer::restart() {
  program_.reset();
  program_ = std::make_unique<Program>(command_, "");
  if (!program_->wait_for_text("\"ready\"")) throw Failure(Exit::unavailable, "signaling: " + program_->errors());
}

json::object SignalingServer::access(std::string_view name, std::string_view room) const {
  return {{"url", fmt::format("wss://localhost:{}/v1/rooms/{}", port_, room)},
          {"fallback", fmt::format("https://localhost:{}/v1/rooms/{}", port_, room)},
          {"token", fmt::format("token-of-{}", name)}};
}

TurnServer::TurnServer(const SignalingServer& signaling, const std::vector<std::string>& more)
    : port_(free_port()), tls_port_(free_port()) {
  command_ = {"/usr/bin/turnserver",
              "-n",
              "--no-cli",
              "--listening-ip=127.0.0.1",
              "--relay-ip=127.0.0.1",
              fmt::format("--listening-port={}", port_),
              fmt::format("--tls-listening-port={}", tls_port_),
              "--allow-loopback-peers",
              "--lt-cred-mech",
              "--user=turn:turn-password",
              "--realm=crype.test",
              "--cert=" + signaling.trust(),
              "--pkey=" + signaling.key(),
              "--no-multicast-peers",
              "--log-file=" + folder_.file("turn.log"),
              "--simple-log",
              "--no-stdout-log",  // nobody reads it, and a full pipe stops a thread of coturn's for good
              "--verbose",
              "--pidfile=" + folder_.file("turn.pid"),
              "--userdb=" + folder_.file("turn.db")};
  command_.insert(command_.end(), more.begin(), more.end());
  start();
}

void TurnServer::start() {
  program_ = std::make_unique<Program>(command_, "");
  if (!wait_for_log("IPv4. TLS/TCP listener opened on : 127.0.0.1:" + std::to_string(tls_port_))) {
    throw Failure(Exit::unavailable, "turnserver: " + log() + program_->errors());
  }
}

void TurnServer::restart() {
  program_.reset();
  folder_.write("turn.log", "");
  start();
}

std::string TurnServer::log() const { return folder_.read("turn.log"); }

bool TurnServer::wait_for_log(std::string_view text, std::size_t times) const {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto whole = log();
    std::size_t count = 0;
    for (auto at = whole.find(text); at != std::string::npos; at = whole.find(text, at + 1)) ++count;
    if (count >= times) return true;
    std::this_thread::yield();
  }
  return false;
}

std::uint64_t TurnServer::wakeups() const {
  std::uint64_t sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid()))) {
    std::ifstream status(thread.path() / "status");
    for (std::string word; status >> word;) {
      std::uint64_t count = 0;
      if (word == "voluntary_ctxt_switches:" && status >> count) sum += count;
    }
  }
  return sum;
}

bool TurnServer::wait_for_packets(std::uint64_t count) const {
  const auto wanted = wakeups() + count;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (wakeups() >= wanted) return true;
    std::this_thread::yield();
  }
  return false;
}

std::string TurnServer::url(std::string_view transport) const {
  if (transport == "tls") return fmt::format("turns:localhost:{}?transport=tcp", tls_port_);
  return fmt::format("turn:localhost:{}?transport={}", port_, transport);
}

json::array TurnServer::servers(std::string_view transport) const {
  return {json::object{{"urls", json::array{url(transport)}}, {"username", "turn"}, {"credential", "turn-password"}}};
}

SilentPort::SilentPort()
    : socket_(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")), port_(free_port()) {
  const auto local = SocketAddress(Endpoint{Address::v4(0x7F000001), port_});
  if (::bind(socket_.get(), local.data(), local.size()) < 0) throw_errno("bind");
}

std::string SilentPort::url() const { return fmt::format("turn:localhost:{}?transport=udp", port_); }

FaultProxy::FaultProxy(json::object settings) : port_(free_port()) {
  settings["listen"] = json::array{fmt::format("127.0.0.1:{}", port_)};
  folder_.write("proxy.json", json::serialize(settings));
  program_ = std::make_unique<Program>(
      std::vector<std::string>{program("crypelab-faults"), "proxy", folder_.file("proxy.json")}, "");
  if (!program_->wait_for_text("\"ready\"")) throw Failure(Exit::unavailable, "proxy: " + program_->errors());
}

json::object FaultProxy::use(std::string_view username, std::string_view password) const {
  return {{"mode", "fixed_servers"}, {"rules", fmt::format("http://127.0.0.1:{}", port_)},
          {"bypass", "<-loopback>"}, {"credentials", "given"},
          {"username", username},    {"password", password}};
}

bool FaultProxy::wait_for(std::string_view text, std::size_t times) {
  return program_->wait([&] {
    const auto holds = [&](const std::string& line) { return line.find(text) != std::string::npos; };
    return static_cast<std::size_t>(std::count_if(program_->lines().begin(), program_->lines().end(), holds)) >= times;
  });
}

Call::Call(const SignalingServer& signaling, const Changes& changes) {
  const std::vector<std::string> usual{client_program()};
  bob_ = std::make_unique<Program>(changes.bob_command.empty() ? usual : changes.bob_command,
                                   json::serialize(job_of(signaling, changes, false)));
  alice_ = std::make_unique<Program>(changes.alice_command.empty() ? usual : changes.alice_command,
                                     json::serialize(job_of(signaling, changes, true)));
}

bool Call::connected() {
  if (!alice_->wait([&] { return alice_->event("connected").has_value(); })) return false;
  if (!bob_->wait([&] { return bob_->event("connected").has_value(); })) return false;
  return alice_->event("connected")->at("peer_proof") == "proof-of-bob" &&
         bob_->event("connected")->at("peer_proof") == "proof-of-alice";
}

bool Call::ended_well() { return alice_->exit_status() == 0 && bob_->exit_status() == 0; }

std::string Call::told() const {
  std::string text = "alice:\n";
  for (const auto& line : alice_->lines()) text += line + "\n";
  text += alice_->errors() + "bob:\n";
  for (const auto& line : bob_->lines()) text += line + "\n";
  return text + bob_->errors();
}

}  // namespace crypelab::client
