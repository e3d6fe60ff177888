#pragma once

#include "harness/base/units.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// What a client under test is told to be and to do (clients/CONTRACT.md), in the scenario's words.
namespace crypelab::model {

// Whose habits it imitates.
enum class App {
  browser,               // the system's proxy for everything that the browser's stack proxies
  desktop,               // called setProxy() with the job's settings before it opened anything
  desktop_unconfigured,  // forgot to: everything goes direct
  desktop_split,         // the window's traffic is proxied, a WebSocket of the application's own runtime is not
  mobile_system,         // a web view: the device's proxy for all that it carries
  mobile_native,         // a media SDK: HTTP and WebSocket use the device's proxy, STUN and TURN do not
  mobile_custom,         // a networking layer of its own carries signaling and TURN through the proxy
};

// The modes of Electron's session.setProxy(); `system`: the machine's own setting.
enum class ProxyMode { direct, auto_detect, pac_script, fixed_servers, system };
// given: in the job; ambient: the machine's own (a Kerberos ticket); prompt: a user would be asked, nobody answers.
enum class ProxyCredentials { given, ambient, prompt };

struct ProxyUse {
  ProxyMode mode = ProxyMode::system;
  std::string rules;   // of fixed_servers
  std::string bypass;  // of fixed_servers
  std::string pac;     // URL, of pac_script
  ProxyCredentials credentials = ProxyCredentials::prompt;
  std::string username;  // of given
  std::string password;
  bool operator==(const ProxyUse&) const = default;
};

enum class IcePolicy { all, relay };
// How a relay is spoken to.
enum class RelayTransport { udp, tcp, tls };

struct Job {
  App app = App::browser;
  ProxyUse proxy;
  IcePolicy policy = IcePolicy::all;
  bool non_proxied_udp = true;
  // Which URIs of the standard TURN servers it is told of; STUN's always.
  std::vector<RelayTransport> turn{RelayTransport::udp, RelayTransport::tcp, RelayTransport::tls};
  std::vector<std::string> misbehave;  // the client itself knows the names
  bool operator==(const Job&) const = default;
};

// What both do once they are connected, phase after phase.
struct Echo {
  std::uint32_t count = 20;
  Duration interval = std::chrono::milliseconds(20);
  std::uint32_t size = 120;  // bytes
  bool operator==(const Echo&) const = default;
};
enum class Flow { send, receive, both };  // as the caller sees it
enum class Delivery { ordered, unordered_unreliable };
struct Throughput {
  Duration time = std::chrono::seconds(3);
  Flow direction = Flow::send;
  Delivery delivery = Delivery::ordered;
  std::uint32_t size = 1150;
  bool operator==(const Throughput&) const = default;
};
enum class Traffic { silent, audio, video };
struct Hold {
  Duration time = std::chrono::minutes(1);
  Traffic traffic = Traffic::silent;
  Duration max_gap = std::chrono::seconds(10);
  bool operator==(const Hold&) const = default;
};
using Phase = std::variant<Echo, Throughput, Hold>;

// How long a phase lasts when nothing delays it.
Duration length_of(const Phase& phase);

}  // namespace crypelab::model
