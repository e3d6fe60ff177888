#include "clients/reference/job/job.h"

#include "clients/reference/job/reader.h"

#include <array>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace crypelab::client::job {
namespace {

namespace json = boost::json;
using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> roles{"caller", "callee"};
constexpr std::array<std::string_view, 2> policies{"all", "relay"};
constexpr std::array<std::string_view, 7> apps{
    "browser", "desktop", "desktop-unconfigured", "desktop-split", "mobile-system", "mobile-native", "mobile-custom"};
constexpr std::array<std::string_view, 5> modes{"direct", "auto_detect", "pac_script", "fixed_servers", "system"};
constexpr std::array<std::string_view, 3> owners{"given", "ambient", "prompt"};
constexpr std::array<std::string_view, 2> deliveries{"ordered", "unordered-unreliable"};
constexpr std::array<std::string_view, 3> directions{"send", "receive", "both"};
constexpr std::array<std::string_view, 3> traffics{"silent", "audio", "video"};

constexpr std::uint64_t longest = 24 * 3'600;   // seconds
constexpr std::uint64_t smallest_message = 24;  // the header of a test message
constexpr std::uint64_t largest_message = 65'536;
constexpr std::uint64_t largest_integer = (std::uint64_t{1} << 53) - 1;

template <class Enumeration>
Enumeration choice(const Node& node, Words words) {
  return static_cast<Enumeration>(node.word(words));
}
template <class Enumeration>
Enumeration choice_or(const Node& node, Enumeration otherwise, Words words) {
  return static_cast<Enumeration>(node.word_or(static_cast<std::size_t>(otherwise), words));
}

Duration milliseconds(std::uint64_t number) { return std::chrono::milliseconds(number); }
Duration seconds(std::uint64_t number) { return std::chrono::seconds(number); }

Signaling read_signaling(const Node& node) {
  Signaling signaling{
      .url = node["url"].text(2'048), .fallback = node["fallback"].text_or(""), .token = node["token"].text(1'024)};
  if (node["url"].present() && !signaling.url.starts_with("wss:")) node["url"].fault("must begin with wss:");
  if (!signaling.fallback.empty() && !signaling.fallback.starts_with("https:")) {
    node["fallback"].fault("must begin with https:");
  }
  if (signaling.token.empty()) node["token"].fault("must not be empty");
  return signaling;
}

std::vector<IceServer> read_servers(const Node& node) {
  std::vector<IceServer> servers;
  for (const auto& one : node.elements(32)) {
    IceServer server;
    for (const auto& url : one["urls"].elements(32)) server.urls.push_back(url.text(2'048));
    if (server.urls.empty()) one["urls"].fault("must not be empty");
    server.username = one["username"].text_or("");
    server.credential = one["credential"].text_or("");
    servers.push_back(std::move(server));
  }
  return servers;
}

Proxy read_proxy(const Node& node) {
  Proxy proxy;
  if (!node.present()) return proxy;
  proxy.mode = choice<ProxyMode>(node["mode"], modes);
  proxy.rules = node["rules"].text_or("");
  proxy.bypass = node["bypass"].text_or("");
  proxy.pac = node["pac"].text_or("");
  proxy.credentials = choice_or(node["credentials"], ProxyCredentials::given, owners);
  proxy.username = node["username"].text_or("");
  proxy.password = node["password"].text_or("");
  if (proxy.mode == ProxyMode::fixed_servers && proxy.rules.empty()) node["rules"].fault("fixed_servers needs rules");
  if (proxy.mode == ProxyMode::pac_script && proxy.pac.empty()) node["pac"].fault("pac_script needs a pac");
  return proxy;
}

}  // namespace

std::optional<Work> read_work(const std::string& kind, const Node& node) {
  if (kind == "echo") {
    return Echo{.count = static_cast<std::uint32_t>(node["count"].number(1, 1'000'000)),
                .interval = milliseconds(node["interval"].number(0, 60'000)),
                .size = static_cast<std::uint32_t>(node["size"].number(smallest_message, largest_message)),
                .delivery = choice_or(node["delivery"], Delivery::ordered, deliveries)};
  }
  if (kind == "throughput") {
    return Throughput{.time = seconds(node["seconds"].number(1, longest)),
                      .direction = choice<Direction>(node["direction"], directions),
                      .delivery = choice<Delivery>(node["delivery"], deliveries),
                      .size = static_cast<std::uint32_t>(node["size"].number(smallest_message, largest_message))};
  }
  if (kind == "hold") {
    Hold hold{.time = seconds(node["seconds"].number(1, longest)),
              .traffic = choice<Traffic>(node["traffic"], traffics)};
    if (node["max_gap"].present()) hold.max_gap = milliseconds(node["max_gap"].number(1, longest * 1'000));
    return hold;
  }
  return std::nullopt;
}

namespace {

RelayLoad read_load(const Node& node) {
  RelayLoad load;
  if (!node.present()) return load;
  load.time = milliseconds(node["ms"].number_or(3'000, 100, longest * 1'000));
  load.size = static_cast<std::uint32_t>(node["size"].number_or(1'000, smallest_message, 1'400));
  load.rate = node["rate"].number_or(0, 0, 100'000'000);
  load.channels = node["channels"].truth_or(true);
  return load;
}

}  // namespace

std::variant<Job, Malformed, Unsupported> read_job(std::string_view text) {
  if (text.size() > largest_job) return Malformed{"", fmt::format("is longer than {} bytes", largest_job)};
  json::error_code error;
  json::parse_options options;
  options.max_depth = 16;
  const json::value document = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return Malformed{"", "is not JSON: " + error.message()};

  Faults faults;
  const Node root(&document, "", faults);
  const auto version = root["contract"].number(0, largest_integer);
  const auto task = root["task"].text();
  if (faults.first) return *faults.first;
  if (version != 1) return Unsupported{fmt::format("contract {} is not known, 1 is", version)};
  if (task != "call" && task != "relay-load") return Unsupported{"this client has no such task"};

  Job job;
  job.task = task == "call" ? Task::call : Task::relay_load;
  const bool calls = job.task == Task::call;
  job.role = calls ? choice<Role>(root["role"], roles) : choice_or(root["role"], Role::caller, roles);
  job.peer = calls ? root["peer"].text(64) : root["peer"].text_or("");
  job.proof = calls ? root["proof"].text(1'024) : root["proof"].text_or("");
  job.seed = root["seed"].number_or(0, 0, largest_integer);
  job.deadline = milliseconds(root["deadline"].number(1, longest * 1'000));
  if (calls) job.signaling = read_signaling(root["signaling"]);
  const auto ice = root["ice"];
  job.ice_servers = read_servers(ice["servers"]);
  job.policy = choice_or(ice["policy"], IcePolicy::all, policies);
  job.non_proxied_udp = ice["non_proxied_udp"].truth_or(true);
  job.loopback = ice["loopback"].truth_or(false);
  job.app = choice_or(root["app"], App::browser, apps);
  job.proxy = read_proxy(root["proxy"]);
  job.trust = root["trust"].text_or("");
  if (root["work"].present()) {
    for (const auto& one : root["work"].elements(64)) {
      const auto member = one.only_member();
      if (!member) continue;
      const auto work = read_work(member->first, member->second);
      if (!work) return Unsupported{fmt::format("{} is no work that this client knows", member->second.pointer())};
      job.work.push_back(*work);
    }
  }
  job.load = read_load(root["load"]);
  if (calls && job.proof.empty()) root["proof"].fault("must not be empty");
  if (calls && job.peer.empty()) root["peer"].fault("must not be empty");
  std::vector<std::string> misbehave;
  if (root["misbehave"].present()) {
    for (const auto& one : root["misbehave"].elements(256)) misbehave.push_back(one.text(64));
  }
  if (faults.first) return *faults.first;
  const auto rules = Misbehaviour::parse(misbehave);
  if (!rules) return Unsupported{rules.complaint()};
  job.misbehave = *rules;
  return job;
}

std::vector<std::string> secrets(const Job& job) {
  std::vector<std::string> out{job.signaling.token, job.proxy.password};
  for (const auto& server : job.ice_servers) out.push_back(server.credential);
  std::erase_if(out, [](const std::string& secret) { return secret.empty(); });
  return out;
}

}  // namespace crypelab::client::job
