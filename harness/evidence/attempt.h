#pragma once

#include "harness/base/address.h"
#include "harness/evidence/memory.h"
#include "harness/model/event.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

// Everything that was seen while one scenario ran once. Plain values: complete before it is judged, and the same
// whether it was seen a moment ago or is read from a folder of last year.
namespace crypelab::evidence {

// Where packets were captured.
struct Interface {
  enum class Kind {
    border,   // of a site: its edge's interface towards the internet, behind its NAT and its rules
    carrier,  // the same of the carrier's NAT beyond the edge, where a site has one
    lan,      // a client's own, before anything could stop a packet
    server,   // a server's own, of the world or of a site
  };
  std::string name;  // "office.border", "office.carrier", "alice.eth0", "turn-a.eth0", "office.proxy.eth0"
  Kind kind = Kind::border;
  std::string host;  // whose interface it is: "office.edge", "alice"
  std::string site;  // of the host; empty for the servers of the world
  bool operator==(const Interface&) const = default;
};

struct Packet {
  std::chrono::nanoseconds at{0};  // on the lab's clock, as Event::at
  std::uint32_t interface = 0;     // index into Attempt::interfaces
  bool outgoing = false;     // sent by that interface's host: out of the site, out of the client, out of the server
  std::uint32_t length = 0;  // on the wire
  wire::Bytes bytes;         // the Ethernet frame, as much as was kept; points into Attempt::capture
};

// A client, and what ran as it.
struct Party {
  std::string client;  // its name in the scenario, which is its host's, too
  std::string driver;  // as it was asked for: "crypelab-client", "./my-driver"
  std::string name;    // name, version and features as its `hello` said; empty if it said none
  std::string version;
  std::vector<std::string> features;
  std::vector<Address> addresses;  // of its host, as it came up
  std::string proof;               // the word that only this client was given
  bool reference = false;          // whether it is the reference client that comes with the program
  bool operator==(const Party&) const = default;
};

// The facts are events, in order of time. Packets and rows from before the first client-started are the lab's own
// measurement; clients do not start in a network that does not measure as declared.
// Beside what the services say (services/*_log.cc) there are, as source, where, kind {fields}:
//   lab, client, job {task, role, peer, proof, signaling.url, ...}: what the client was given, its members by their
//       paths; secrets as markers "[secret:NAME]"
//   lab, client, client-started {driver}
//   lab, client, client-ended {exit, or signal, or not-started (why); ended-by-lab}: the last is "deadline" (then
//       timed-out is there, too), "peer-gone" or "interrupted", and how it ended then says nothing
//   lab, client, sender {protocol, from, to, uid, program}: a conversation that its host began; no uid: of the kernel's
//       own; no program: its socket was gone when it was looked for. Only where no-bypass is expected
//   lab, client, senders-unknown {why}: this kernel does not tell
//   lab, client, client-garbage {line, why} or {more}: a line that is no JSON object with an "event"
//   lab, client, client-long-line {bytes} or {more}
//   lab, client, client-flood {lines}: so many beyond a thousand in one second were not kept
//   lab, interface, secret-seen {secret, from, to}: in clear text in a packet, by its name
//   lab, service, service-died {how, words}
//   lab, service, service-restarted: a step ended it and began it anew, and it remembers nothing
//   lab, "lab", step {what}: a step of the scenario happens
//   lab, driver, probe {exit}: given a task that nobody knows; must be 127, and is -1 when it did not end by itself
//   client, client, its "event" {its other members by their paths: "local.type", "urls.0"}, stamped on arrival
//   rule, host, counter {name, when, packets, bytes}: when is "start" (of the clients), "step" (before it) or "end"
//   measurement, site, row {client, what, declared, measured, agrees, note}
//   measurement, site, ceiling {client, direction, from, way, transport, goodput_bps, offered_bps (0: as much as goes),
//       complete}: what the lab itself carried on one leg of the path on which throughput is measured, in payload
//   measurement, "lab", no-ceiling {why}
struct Attempt {
  static constexpr int kVersion = 1;

  int version = kVersion;
  std::string program;        // "crypelab 0.1.0"
  std::string scenario;       // its name, "NAME/CASE" of a case
  std::string scenario_file;  // its text, in the folder of the attempt: "scenario/scenario.yaml"
  unsigned number = 1;        // of the attempts at this scenario in this run
  std::uint64_t seed = 0;
  std::string started;         // "2026-11-22T12:39:00Z": when the lab was up, at 0 of the lab's clock
  std::vector<Party> parties;  // in the order of the scenario
  std::vector<model::Event> events;
  bool captured = false;  // false: nobody looked at packets (--no-capture), and nothing can be concluded from none
  std::vector<Interface> interfaces;
  std::vector<Packet> packets;          // in order of time
  std::uint64_t packets_lost = 0;       // by the capture; then what is absent proves nothing
  std::vector<std::string> casualties;  // services that died: what was seen with them proves nothing
  bool complete = false;                // false: it was interrupted
  Memory capture;

  const Party* party(const std::string& client) const;
};

std::string_view to_string(Interface::Kind kind);

}  // namespace crypelab::evidence
