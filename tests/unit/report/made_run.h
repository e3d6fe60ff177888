#pragma once

#include "harness/report/run.h"

namespace crypelab::report {

// Every kind of outcome, and a client that writes what would be markup, script or terminal control anywhere else.
inline constexpr const char* kHostile =
    "</script><script>alert(1)</script>&\"'\x1b[31m\x80<img src=x onerror=alert(1)>";

inline Run made_run() {
  using std::chrono::milliseconds;
  model::ClientResult alice{.name = "alice", .driver = "crypelab-client", .version = kHostile};
  alice.site = "office";
  alice.app = "browser";
  alice.hello = milliseconds(100);
  alice.connected = milliseconds(900);
  alice.path = model::Path{.path = model::PathClass::relay_tls, .proxy = true, .by = "turns.crype.test:443"};
  alice.rungs = {
      {model::Rung::State::failed, "relay-udp", "turn.crype.test:3478", "no answer", milliseconds(150),
       milliseconds(700)},
      {model::Rung::State::carried, "relay-tls+px", "turns.crype.test:443", "", milliseconds(200), milliseconds(5000)},
      {model::Rung::State::not_tried, "relay-tcp", "", "no packet of it was sent", std::nullopt, std::nullopt}};
  alice.spans = {{"signaling", milliseconds(100), milliseconds(200)},
                 {"encryption", milliseconds(200), milliseconds(900)}};
  alice.problems = {"PROXY_AUTH_FAILED"};
  alice.echo = model::EchoResult{50, 49, 1.5, 2, 3, 4, 5};
  alice.throughput = {{"send", 1e7, 3, 3'750'000}};
  alice.rate = {{milliseconds(1000), 500'000}, {milliseconds(2000), 700'000}};
  model::Judgement passed;
  passed.scenario = "proxy/s33-basic/basic";
  passed.title = "A proxy that asks";
  passed.started = "2026-11-22T12:39:00Z";
  passed.time_to_connect = milliseconds(800);
  passed.verdicts = {{.check = "connected", .what = "connected: {}", .line = 20}};
  passed.clients = {alice};
  passed.ceilings = {{.direction = "send",
                      .goodput_bps = 12.5e6,
                      .legs = {{"alice", "office.proxy", "up", "tcp", 12.5e6}, {"bob", "bob", "down", "udp", 6e8}}},
                     {.direction = "receive",
                      .goodput_bps = 9.5e6,
                      .at_least = true,
                      .legs = {{"alice", "office.proxy", "down", "tcp", 9.5e6}, {"bob", "bob", "up", "udp", 6e8}}}};
  passed.story = {{milliseconds(100), "alice", kHostile}};
  passed.timeline = {{milliseconds(100), "client alice", kHostile}};
  passed.topology = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
  passed.folder = "proxy/s33-basic/basic";
  Run run{.program = "crypelab 0.1.0", .started = "2026-11-22T12:39:00Z", .seed = 7, .seconds = 12.5};
  run.judgements.push_back(passed);
  for (const auto outcome : {model::Outcome::fail, model::Outcome::wrong_path, model::Outcome::unclear_error,
                             model::Outcome::inconclusive, model::Outcome::unsupported, model::Outcome::non_strict}) {
    auto other = passed;
    other.scenario = "udp/" + std::string(model::to_string(outcome));
    other.outcome = outcome;
    other.why = kHostile;
    other.verdicts[0].outcome = outcome;
    other.verdicts[0].reason = kHostile;
    other.verdicts[0].details = {kHostile};
    if (outcome == model::Outcome::fail) {
      other.clients[0].path.reset();
      other.clients[0].connected.reset();
      other.time_to_connect.reset();
    }
    run.judgements.push_back(other);
  }
  run.not_covered = {{"nat/s10-rebinding", "nightly"}};
  return run;
}

}  // namespace crypelab::report
