#include "harness/lab/trial.h"

#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/evidence/allocations.h"
#include "harness/evidence/attempt_folder.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/evidence/key_log.h"
#include "harness/evidence/log_file.h"
#include "harness/evidence/packet_writer.h"
#include "harness/lab/ceiling.h"
#include "harness/lab/client_process.h"
#include "harness/lab/door.h"
#include "harness/lab/flat_json.h"
#include "harness/lab/lab.h"
#include "harness/lab/measurement.h"
#include "harness/lab/senders.h"
#include "harness/services/client_job.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <deque>
#include <optional>
#include <set>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

using namespace std::chrono_literals;
using blueprint::Blueprint;
using model::Source;

// How long the other client may go on when one has ended: nobody is there to talk to.
constexpr auto kAlone = 5s;
// How long services may take to say what they saw last.
constexpr auto kSettling = 1s;
// Packets come to a capture's reader at most so long after they passed (kernel/capture.h), and a tick of the kernel.
constexpr auto kCaptureLag = 20ms;
// Packets of different interfaces are at most so far out of order when they are read.
constexpr auto kReadApart = 100ms;
constexpr auto kWriteEvery = 50ms;
// Beyond, what a broken service says is not kept.
constexpr std::size_t kMostEvents = 1'000'000;

constexpr std::size_t kMostKeyBytes = std::size_t{8} << 20;
const char* const kKeyFile = "/home/user/.crypelab-tls-keys";

std::vector<std::string> visible_of(const TrialPlan& plan) {
  std::vector<std::string> visible;
  for (const auto& [client, driver] : plan.drivers) {
    if (kernel::may_be_visible(driver.folder) && std::ranges::find(visible, driver.folder) == visible.end())
      visible.push_back(driver.folder);
  }
  return visible;
}

// Where the lab measures from, and where the clients are.
std::vector<std::string> busy_hosts(const TrialPlan& plan) {
  std::vector<std::string> hosts{"reflector"};
  for (const auto& client : plan.scenario.clients) hosts.push_back(client.name);
  return hosts;
}

class Trial {
 public:
  Trial(const TrialPlan& plan, kernel::Supervised& supervised, Door* door)
      : plan_(plan),
        supervised_(supervised),
        door_(door),
        drawn_(plan.drawn),
        points_(plan.capture ? capture_points(drawn_) : std::vector<CapturePoint>{}),
        lab_(drawn_, supervised, visible_of(plan), points_, busy_hosts(plan)) {
    begun_ = std::time(nullptr);
    for (const auto& client : plan_.scenario.clients) introduce(client.name);
    redaction_.emplace(secrets());
    put_configurations();
    lab_.watch_lines([this](const std::string& service, std::string_view line) { log(service, line); });
    start_capture();
  }

  void run() {
    lab_.loop().watch(supervised_.end_descriptor(), [this] {
      interrupted_ = true;
      lab_.loop().forget(supervised_.end_descriptor());
      for (auto& client : clients_) client.end("interrupted");
    });
    for (const auto& [driver, exit] : plan_.probes) tell(Source::lab, driver, "probe", {{"exit", std::int64_t{exit}}});
    if (network_is_as_declared() && !interrupted_) {
      count("start");
      lab_.before_steps([this](const blueprint::Step& step) {
        count("step");
        tell(Source::lab, "lab", "step", {{"what", step.meaning}});
      });
      start_clients();
      lab_.start_steps();
      lab_.loop().run_until([this] { return std::ranges::all_of(clients_, &ClientProcess::ended); });
      lab_.before_steps(nullptr);
      if (!interrupted_) await_allocations();
      lab_.settle(kSettling);
      count("end");
    }
    finish_capture();
    lab_.network().captures().end();
    write();
    lab_.network().captures().await_end();
    if (door_ != nullptr && !interrupted_ && plan_.pause()) hold();
  }

 private:
  void tell(Source source, const std::string& where, const char* kind,
            std::vector<std::pair<std::string, model::Value>> fields) {
    events_.push_back({lab_.now(), source, where, kind, std::move(fields)});
  }

  // What a client is given is made now: what is taken out of the evidence must be known before anything is written.
  void introduce(const std::string& client) {
    evidence::Party party;
    party.client = client;
    const auto& driver = plan_.drivers.at(client);
    party.driver = driver.name;
    party.reference = driver.reference;
    party.proof = (credentials_[client] = lab_.credentials(client)).proof;
    if (const auto* host = blueprint::find_host(drawn_, client)) {
      for (const auto& interface : host->interfaces) {
        for (const auto& prefix : interface.addresses) party.addresses.push_back(prefix.address);
      }
    }
    parties_.push_back(std::move(party));
  }

  std::vector<evidence::Secret> secrets() const {
    std::vector<evidence::Secret> secrets;
    for (const auto& secret : drawn_.secrets) secrets.push_back({secret.name, secret.value});
    for (const auto& [name, value] : lab_.secrets().all()) {
      if (!name.starts_with("proof-")) secrets.push_back({name, value});
    }
    for (const auto& [client, credentials] : credentials_)
      secrets.push_back({"turn-" + client, credentials.turn.password});
    for (const auto& [client, driver] : plan_.drivers) {
      for (const auto& [name, value] : driver.secrets) secrets.push_back({client + "/" + name, value});
    }
    return secrets;
  }

  // What programs read who they let in is no configuration.
  void put_configurations() const {
    for (const auto& process : drawn_.processes) {
      for (const auto& file : process.files) {
        const auto ending = std::filesystem::path(file.name).extension();
        if (ending != ".conf" && ending != ".json" && ending != ".pac") continue;
        evidence::put_file(plan_.folder, fmt::format("services/{}/{}", process.name, file.name),
                           (*redaction_)(file.content));
      }
    }
  }

  evidence::LogFile& log_file(const std::string& name) {
    auto& file = logs_[name];
    if (!file) file.emplace(plan_.folder / name, *redaction_);
    return *file;
  }
  void log(const std::string& service, std::string_view line) {
    if (!written_) log_file("services/" + service + ".log").take_line(line);
  }

  void start_capture() {
    if (!plan_.capture) return;
    std::vector<evidence::Interface> interfaces;
    for (const auto& point : points_) interfaces.push_back(point.interface);
    const auto began = std::chrono::system_clock::now() - lab_.now();
    packets_.emplace(plan_.folder / evidence::kCaptureFile, std::move(interfaces), began.time_since_epoch(),
                     *redaction_);
    for (std::uint32_t i = 0; i < points_.size(); ++i) {
      auto& capture = lab_.network().captures()[i];
      lab_.loop().watch(capture.descriptor(), [this, &capture, i] { read(capture, i); });
    }
    write_packets();
  }

  void read(kernel::Capture& capture, std::uint32_t interface) {
    const auto up = std::chrono::nanoseconds(lab_.up().time_since_epoch()).count();
    capture.read([&](const kernel::CapturedPacket& packet) {
      packets_->take({std::chrono::nanoseconds(packet.monotonic_ns - up), interface, packet.outgoing, packet.length,
                      packet.bytes});
    });
  }

  void write_packets() {
    lab_.loop().at(Loop::Clock::now() + kWriteEvery, [this] {
      if (!packets_) return;
      packets_->write_up_to(lab_.now() - kReadApart);
      write_packets();
    });
  }

  void finish_capture() {
    if (!packets_) return;
    lab_.loop().run_until([] { return false; }, Loop::Clock::now() + kCaptureLag);
    for (std::uint32_t i = 0; i < points_.size(); ++i) {
      auto& capture = lab_.network().captures()[i];
      lab_.loop().forget(capture.descriptor());
      read(capture, i);
      lost_ += capture.dropped();
    }
    std::vector<std::pair<Address, std::string>> names;
    for (const auto& host : drawn_.hosts) {
      for (const auto& interface : host.interfaces) {
        for (const auto& prefix : interface.addresses) names.emplace_back(prefix.address, host.name);
      }
    }
    std::string keys;
    if (plan_.keys) {
      for (const auto& party : parties_) keys += evidence::key_log_lines(kept_file(party.client, kKeyFile));
    }
    packets_->finish(keys, names);
    lost_ += packets_->lost();
    for (const auto& seen : packets_->sightings()) {
      events_.push_back({seen.at,
                         Source::lab,
                         packets_->interfaces()[seen.interface].name,
                         "secret-seen",
                         {{"secret", seen.secret}, {"from", seen.from}, {"to", seen.to}}});
    }
  }

  // Nothing when the client has written none.
  std::string kept_file(const std::string& client, const std::string& path) {
    std::string text;
    try {
      const auto file = lab_.open_file(client, path);
      std::array<char, 65'536> piece;
      while (text.size() < kMostKeyBytes) {
        const auto size = ::read(file.get(), piece.data(), piece.size());
        if (size <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(size));
      }
    } catch (const Failure&) {
      return "";
    }
    return text;
  }

  // The measurement's own packets are in the capture, before the first client starts.
  bool network_is_as_declared() {
    bool agrees = true;
    auto reflector = start_reflector(lab_, plan_.scenario);
    for (const auto& row : measure(lab_, plan_.scenario, blueprint::Form::quick, reflector)) {
      agrees = agrees && row.agrees;
      tell(Source::measurement, row.site, "row",
           {{"client", row.client},
            {"what", row.what},
            {"declared", row.declared},
            {"measured", row.measured},
            {"agrees", row.agrees},
            {"note", row.note}});
    }
    if (agrees && !interrupted_) find_ceilings(reflector);
    return agrees;
  }

  // Before the clients come, in the network that they will find.
  void find_ceilings(Measurer& reflector) {
    const auto ceilings = blueprint::plan_ceilings(plan_.scenario);
    if (!ceilings.why.empty()) tell(Source::measurement, "lab", "no-ceiling", {{"why", ceilings.why}});
    if (ceilings.legs.empty()) return;
    for (const auto& [leg, rated] : measure_ceilings(lab_, ceilings.legs, reflector)) {
      const auto& ask = std::get<measure::Rate>(leg.question.ask);
      tell(Source::measurement, leg.site, "ceiling",
           {{"client", leg.client},
            {"direction", std::string(leg.direction == model::Flow::send ? "send" : "receive")},
            {"from", leg.host},
            {"way", std::string(measure::word(ask.way))},
            {"transport", std::string(measure::word(ask.transport))},
            {"goodput_bps", static_cast<std::int64_t>(rated.goodput.bits_per_second)},
            {"offered_bps",
             static_cast<std::int64_t>(ask.transport == measure::Transport::udp ? ask.offered.bits_per_second : 0)},
            {"complete", rated.complete}});
    }
  }

  void count(const char* when) {
    const auto now = lab_.now();
    for (const auto& [name, count] : lab_.network().counters()) {
      const auto slash = name.find('/');
      events_.push_back({now,
                         Source::rule,
                         name.substr(0, slash),
                         "counter",
                         {{"name", name.substr(slash + 1)},
                          {"when", std::string(when)},
                          {"packets", static_cast<std::int64_t>(count.packets)},
                          {"bytes", static_cast<std::int64_t>(count.bytes)}}});
    }
  }

  // Who sent what must not leave a site is asked where that is to be judged: it costs the host a rule.
  void watch_senders() {
    for (const auto& expected : plan_.scenario.expectations) {
      const auto* no_bypass = std::get_if<model::ExpectNoBypass>(&expected.what);
      if (no_bypass == nullptr) continue;
      for (const auto& client : plan_.scenario.clients) {
        const bool there = std::ranges::find(client.sites, no_bypass->site) != client.sites.end();
        if (!there || !watched_.insert(client.name).second) continue;
        try {
          senders_.emplace_back(lab_, client.name, [this](model::Event event) { take(std::move(event)); });
        } catch (const Failure& failure) {
          if (failure.exit() != Exit::unavailable && failure.exit() != Exit::privilege) throw;
          tell(Source::lab, client.name, "senders-unknown", {{"why", std::string(failure.what())}});
        }
      }
    }
  }

  void start_clients() {
    watch_senders();
    for (const auto& client : plan_.scenario.clients) {
      services::JobSettings settings;
      const auto& credentials = credentials_.at(client.name);
      settings.client = client.name;
      settings.token = credentials.token;
      settings.turn_user = credentials.turn.user;
      settings.turn_password = credentials.turn.password;
      settings.proof = credentials.proof;
      settings.seed = plan_.seed;
      ClientPlan plan;
      plan.client = client.name;
      plan.driver = plan_.drivers.at(client.name);
      plan.job = services::client_job(plan_.scenario, settings) + "\n";
      // A second more than the client knows of: who ends by itself at the last moment has done so in time.
      plan.deadline = std::chrono::ceil<std::chrono::milliseconds>(services::deadline_of(plan_.scenario)) + 1s;
      plan.environment["SSLKEYLOGFILE"] = kKeyFile;
      tell(Source::lab, client.name, "job", *flat_members(plan.job));
      clients_.emplace_back(lab_, plan, log_file("clients/" + client.name + ".stdout.log"),
                            log_file("clients/" + client.name + ".stderr.log"),
                            [this](model::Event event) { take(std::move(event)); });
    }
  }

  void take(model::Event event) {
    if (event.source == Source::client && event.kind == "hello") note_hello(event);
    const bool last = event.kind == "client-ended" && event.source == Source::lab;
    if (events_.size() < kMostEvents || last) events_.push_back(std::move(event));
    if (!last || alone_) return;
    alone_ = true;
    lab_.loop().at(Loop::Clock::now() + kAlone, [this] {
      for (auto& client : clients_) client.end("peer-gone");
    });
  }

  void note_hello(const model::Event& hello) {
    const auto party = std::ranges::find(parties_, hello.where, &evidence::Party::client);
    if (party == parties_.end() || !party->name.empty()) return;
    party->name = text_field(hello, "name");
    party->version = text_field(hello, "version");
    for (const auto& [field, value] : hello.fields) {
      if (field.starts_with("features.") && std::holds_alternative<std::string>(value))
        party->features.push_back(std::get<std::string>(value));
    }
  }

  // As long as the scenario allows: an allocation that is still there then has been left behind.
  void await_allocations() {
    for (const auto& expected : plan_.scenario.expectations) {
      const auto* allocations = std::get_if<model::ExpectAllocations>(&expected.what);
      if (allocations == nullptr) continue;
      lab_.loop().run_until(
          [&] {
            const auto all = evidence::allocations_of(lab_.events());
            const auto open = std::ranges::count_if(all, [](const auto& allocation) { return !allocation.ended; });
            return interrupted_ || open <= static_cast<std::ptrdiff_t>(allocations->left);
          },
          Loop::Clock::now() + allocations->within);
    }
  }

  // As it is, until somebody says that it may go.
  void hold() {
    kernel::SessionServer sessions(seats_of(lab_, ""));
    door_->lead_to(sessions);
    lab_.loop().attend(*door_);
    lab_.loop().attend(sessions);
    lab_.loop().run_until([this] { return interrupted_; });
  }

  void write() {
    evidence::Attempt attempt;
    attempt.program = plan_.program;
    attempt.scenario = plan_.scenario.name;
    attempt.scenario_file = evidence::kScenarioFile;
    attempt.number = plan_.number;
    attempt.seed = plan_.seed;
    attempt.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(begun_));
    attempt.parties = parties_;
    attempt.captured = plan_.capture;
    for (const auto& point : points_) attempt.interfaces.push_back(point.interface);
    attempt.events = std::move(events_);
    const auto& seen = lab_.events();
    attempt.events.insert(attempt.events.end(), seen.begin(), seen.end());
    std::ranges::stable_sort(attempt.events, {}, &model::Event::at);
    attempt.packets_lost = lost_;
    attempt.casualties = lab_.casualties();
    attempt.complete = !interrupted_;
    written_ = true;
    logs_.clear();
    evidence::put_evidence(plan_.folder, attempt, *redaction_);
  }

  const TrialPlan& plan_;
  kernel::Supervised& supervised_;
  Door* door_;
  const Blueprint& drawn_;
  std::vector<CapturePoint> points_;
  std::optional<evidence::Redaction> redaction_;
  std::map<std::string, std::optional<evidence::LogFile>> logs_;
  std::optional<evidence::PacketWriter> packets_;
  std::vector<evidence::Party> parties_;
  std::map<std::string, Lab::Credentials> credentials_;
  std::vector<model::Event> events_;
  std::uint64_t lost_ = 0;
  std::time_t begun_ = 0;
  bool interrupted_ = false;
  bool alone_ = false;
  bool written_ = false;
  Lab lab_;
  std::set<std::string> watched_;
  std::deque<Senders> senders_;
  std::deque<ClientProcess> clients_;
};

}  // namespace

void run_trial(const TrialPlan& plan, kernel::Supervised& supervised, Door* door) {
  require_programs(plan.drawn);
  Trial(plan, supervised, door).run();
}

void write_casualty(const TrialPlan& plan, const std::string& why) {
  std::vector<evidence::Secret> secrets;
  for (const auto& secret : plan.drawn.secrets) secrets.push_back({secret.name, secret.value});
  evidence::Attempt attempt;
  attempt.program = plan.program;
  attempt.scenario = plan.scenario.name;
  attempt.scenario_file = evidence::kScenarioFile;
  attempt.number = plan.number;
  attempt.seed = plan.seed;
  attempt.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  for (const auto& client : plan.scenario.clients) {
    evidence::Party party;
    party.client = client.name;
    party.driver = plan.drivers.at(client.name).name;
    party.reference = plan.drivers.at(client.name).reference;
    attempt.parties.push_back(std::move(party));
  }
  attempt.casualties.push_back(why);
  evidence::put_evidence(plan.folder, attempt, evidence::Redaction(secrets));
}

}  // namespace crypelab::lab
