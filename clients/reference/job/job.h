#pragma once

#include "clients/reference/misbehaviour.h"
#include "harness/base/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What a client is asked to do: the document that clients/CONTRACT.md describes ("Job"), as plain values.
namespace crypelab::client::job {

enum class Role { caller, callee };
enum class Task { call, relay_load };
enum class IcePolicy { all, relay };
// Whose habits to imitate when it comes to proxies.
enum class App { browser, desktop, desktop_unconfigured, desktop_split, mobile_system, mobile_native, mobile_custom };
// The five modes of Electron's session.setProxy().
enum class ProxyMode { direct, auto_detect, pac_script, fixed_servers, system };
// Who has the proxy's credentials: the job, the machine (a Kerberos ticket), or a user whom nobody can ask.
enum class ProxyCredentials { given, ambient, prompt };
enum class Delivery { ordered, unordered_unreliable };
enum class Direction { send, receive, both };  // as the caller sees it
enum class Traffic { silent, audio, video };

struct IceServer {
  std::vector<std::string> urls;
  std::string username;
  std::string credential;
};

struct Signaling {
  std::string url;       // wss:
  std::string fallback;  // https:; empty: none
  std::string token;
};

struct Proxy {
  ProxyMode mode = ProxyMode::direct;
  std::string rules;
  std::string bypass;
  std::string pac;
  ProxyCredentials credentials = ProxyCredentials::given;
  std::string username;
  std::string password;
};

struct Echo {
  std::uint32_t count = 0;
  Duration interval{0};
  std::uint32_t size = 0;  // bytes of the whole message
  Delivery delivery = Delivery::ordered;
};
struct Throughput {
  Duration time{0};
  Direction direction = Direction::send;
  Delivery delivery = Delivery::ordered;
  std::uint32_t size = 0;
};
struct Hold {
  Duration time{0};
  Traffic traffic = Traffic::silent;
  std::optional<Duration> max_gap;  // a longer one fails the job
};
using Work = std::variant<Echo, Throughput, Hold>;

// How a relay is loaded; absent members of the job take these values.
struct RelayLoad {
  Duration time = std::chrono::seconds(3);
  std::uint32_t size = 1'000;
  std::uint64_t rate = 0;  // messages a second and way, all sessions together; 0: as fast as it goes
  bool channels = true;    // ChannelData, or Send indications
};

struct Job {
  Task task = Task::call;
  Role role = Role::caller;
  std::string peer;
  std::string proof;
  std::uint64_t seed = 0;
  Duration deadline = std::chrono::seconds(60);
  Signaling signaling;
  std::vector<IceServer> ice_servers;
  IcePolicy policy = IcePolicy::all;
  bool non_proxied_udp = true;
  bool loopback = false;  // candidates on 127.0.0.1 and ::1 count: for tests on one machine
  App app = App::browser;
  Proxy proxy;
  std::string trust;  // path of a PEM bundle; empty: the machine's own
  std::vector<Work> work;
  RelayLoad load;
  Misbehaviour misbehave;
};

// Everything in a job that no output may show: for Reporter.
std::vector<std::string> secrets(const Job& job);

// No job: where it is wrong (a JSON pointer, RFC 6901; empty for the document itself) and how. Exit status 64.
struct Malformed {
  std::string pointer;
  std::string text;
};
// A sound job for somebody else: an unknown task, version, kind of work or misbehaviour. Exit status 127.
struct Unsupported {
  std::string text;
};

inline constexpr std::size_t largest_job = 1U << 20U;

// An unknown `task` or `contract` is looked at before anything else. Members that are not known are ignored.
std::variant<Job, Malformed, Unsupported> read_job(std::string_view text);

}  // namespace crypelab::client::job
