#pragma once

#include "harness/model/event.h"
#include "harness/model/expectation.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What was found: the verdicts about one attempt at one scenario, with their reasons. What reports are made of.
namespace crypelab::model {

using Moment = std::chrono::nanoseconds;  // on the lab's clock, as Event::at

// From the best to the worst: a scenario's outcome is the worst of its verdicts.
enum class Outcome { pass, non_strict, unsupported, inconclusive, unclear_error, wrong_path, fail };

std::string_view to_string(Outcome outcome);  // "wrong-path"
// The outcome of that name.
std::optional<Outcome> outcome_of(std::string_view name);

struct Verdict {
  std::string check;   // the expectation's word, a requirement ("U-14"), or a finding ("claims-connected")
  std::string what;    // what should be true, in the scenario's or the requirement's words
  std::string client;  // whom it is about, or empty
  Outcome outcome = Outcome::pass;
  std::string reason;                // one line; empty for a pass without anything to say
  std::vector<std::string> details;  // offenders, counts
  unsigned line = 0;                 // of the scenario; 0: of no line
  bool operator==(const Verdict&) const = default;
};

// How a client's data travelled.
struct Path {
  PathClass path = PathClass::direct;
  bool proxy = false;
  bool peers = false;  // the relay is the peer's: this client sends to it as to any peer
  std::string by;      // the far end: "turns.crype.test:443", "198.51.100.90:5000"
  bool operator==(const Path&) const = default;
};
std::string describe(const Path& path);  // "relay-tls+px"

// One way to be connected that a client tried or should have tried.
struct Rung {
  enum class State { carried, open, failed, not_tried } state = State::not_tried;
  std::string name;             // "relay-tls+px"
  std::string target;           // "turns.crype.test:443"
  std::string cause;            // of failed: what stopped it
  std::optional<Moment> began;  // its first packet
  std::optional<Moment> ended;  // when it was open, or had failed for good
  bool operator==(const Rung&) const = default;
};

struct Span {  // a part of the time to connect
  std::string name;
  Moment from{0};
  Moment to{0};
  bool operator==(const Span&) const = default;
};

struct EchoResult {
  std::int64_t sent = 0;
  std::int64_t received = 0;
  double least = 0, median = 0, p95 = 0, p99 = 0, most = 0;  // milliseconds
  bool operator==(const EchoResult&) const = default;
};
struct ThroughputResult {
  std::string direction;
  double goodput_bps = 0;
  double seconds = 0;
  std::int64_t bytes = 0;
  bool operator==(const ThroughputResult&) const = default;
};

// What the lab itself carried between a client's site and the internet, just before the clients came.
struct CeilingLeg {
  std::string client;
  std::string from;       // the host that sent or received: the client's, or its site's proxy
  std::string way;        // "up" or "down", as that host sees it
  std::string transport;  // "udp" or "tcp"
  double goodput_bps = 0;
  bool operator==(const CeilingLeg&) const = default;
};
// The harness's own ceiling of a direction: the smaller of its legs, which were measured at the same time.
struct Ceiling {
  std::string direction;  // "send" or "receive", as the caller sees it
  double goodput_bps = 0;
  bool at_least = false;  // all that was offered arrived
  std::vector<CeilingLeg> legs;
  bool operator==(const Ceiling&) const = default;
};

struct ClientResult {
  std::string name;
  std::string driver;
  std::string version;  // name and version, as it said
  std::string site;
  std::string app;
  std::optional<Moment> hello;
  std::optional<Moment> connected;
  std::optional<Path> path;
  std::vector<Rung> rungs;
  std::vector<Span> spans;            // from hello to connected
  std::vector<std::string> problems;  // codes that it reported, each once
  std::optional<EchoResult> echo;
  std::vector<ThroughputResult> throughput;
  std::vector<std::pair<Moment, std::uint64_t>> rate;  // bytes of data that arrived, a second each
  bool operator==(const ClientResult&) const = default;
};

struct StoryLine {
  Moment at{0};
  std::string who;  // a client, a rule, a service
  std::string text;
  bool operator==(const StoryLine&) const = default;
};

struct Judgement {
  std::string scenario;
  std::string title;
  std::string proves;
  std::string started;
  unsigned attempt = 1;
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::pass;
  std::string why;                        // of anything but a pass: the cause, in one line
  std::optional<Moment> time_to_connect;  // from the later hello to the later connected
  std::vector<Verdict> verdicts;
  std::vector<ClientResult> clients;
  std::vector<Ceiling> ceilings;  // of the directions in which throughput was measured
  std::string no_ceiling;         // why there is none
  std::vector<StoryLine> story;
  std::vector<StoryLine> timeline;  // of all sources
  std::string topology;             // SVG
  std::string folder;               // of the evidence, relative to the run's; set by who knows it
  bool operator==(const Judgement&) const = default;
};

// The worst of them, as design.md has it: a network that measures wrong or a service that died makes all inconclusive,
// which the caller has said by a verdict of `network` or `services`.
Outcome outcome_of(const std::vector<Verdict>& verdicts);

}  // namespace crypelab::model
