#pragma once

#include "harness/base/measure.h"
#include "harness/model/scenario.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What a scenario declares about its networks, as questions for the measuring program with the answers that they must
// get, and the comparison. Pure. How the lab measures (design.md, rule 3):
//
//  1. In host "reflector" (net.ipv4.ip_unprivileged_port_start=0, or CAP_NET_BIND_SERVICE): {bin}/crypelab-probe with
//     reflector_arguments(scenario). It is ready when it prints {"event":"ready"}.
//  2. declarations = declare(scenario, Form::quick or Form::full). For each client that occurs: in its host
//     {bin}/crypelab-probe measure; on its standard input wire::encode_job() of the questions of its declarations, in
//     their order, and a line feed; leave the input open.
//  3. Read its lines with wire::decode_answer() into measured.answers[client][id], until it ends. All clients at once.
//  4. Meanwhile read the reflector's lines: every "token" goes to measured.far_side (any "transport").
//  5. A declaration with a counter expects silence. Read the counters (host, name) before, and every few milliseconds;
//     measured.counted[{host, name}] is the difference. When all declarations without a counter have answers, and those
//     with one have counted at least once for each declaration that shares it, write wire::encode_conclude(ids) of the
//     silent ones: the program says "silent" at once. Otherwise their deadline (1 s) does. A control packet on an
//     allowed path has been answered by then, so what the far side has not printed did not arrive.
//  6. rows = compare(declarations, measured). One row that does not agree makes the scenario inconclusive.
namespace crypelab::blueprint {

enum class Form {
  quick,  // reachability by port, NAT mapping and filtering, DNS: side by side, ends within a round trip or two
  full,   // the same, then loss and delay, path MTU, rate, hairpin, limits of flows; timers up to `longest_timer`
};

struct ExpectReach {
  std::vector<measure::Outcome> any_of;
  bool operator==(const ExpectReach&) const = default;
};
struct ExpectPassage {  // the limits after which it falls silent; one of them at least
  std::optional<ByteCount> bytes;
  std::optional<Duration> time;
  bool operator==(const ExpectPassage&) const = default;
};
struct ExpectMapping {
  bool nat = false;
  measure::Dependence mapping = measure::Dependence::endpoint_independent;
  std::optional<measure::PortChoice> ports;  // absent: cannot be told apart here
  std::optional<Address> external;
  bool operator==(const ExpectMapping&) const = default;
};
struct ExpectFiltering {
  measure::Dependence filtering = measure::Dependence::endpoint_independent;
  bool operator==(const ExpectFiltering&) const = default;
};
struct ExpectHairpin {
  bool hairpin = false;
  bool operator==(const ExpectHairpin&) const = default;
};
struct ExpectLifetime {
  Duration timer{0};
  Duration asked_up_to{0};
  bool operator==(const ExpectLifetime&) const = default;
};
struct ExpectTrain {  // both directions of the uplink
  model::Direction up;
  model::Direction down;
  bool operator==(const ExpectTrain&) const = default;
};
struct ExpectRate {
  BitRate rate;
  bool operator==(const ExpectRate&) const = default;
};
struct ExpectMtu {
  std::uint32_t mtu = 1500;
  bool too_big = true;
  bool operator==(const ExpectMtu&) const = default;
};
struct ExpectDns {
  std::vector<measure::DnsOutcome> any_of;
  std::vector<Address> addresses;  // in any order; empty: whichever
  std::optional<Prefix> nat64;
  Duration delay{0};  // not before
  bool operator==(const ExpectDns&) const = default;
};
struct ExpectChallenge {
  std::uint32_t status = 0;  // 0: neither 407 nor 403
  std::vector<std::string> schemes;
  bool operator==(const ExpectChallenge&) const = default;
};
using Expected = std::variant<ExpectReach, ExpectPassage, ExpectMapping, ExpectFiltering, ExpectHairpin, ExpectLifetime,
                              ExpectTrain, ExpectRate, ExpectMtu, ExpectDns, ExpectChallenge>;

struct CounterName {
  std::string host;
  std::string name;
  auto operator<=>(const CounterName&) const = default;
};

struct Declaration {
  std::string site;
  std::string client;
  std::string what;  // "udp 3478 to 198.51.100.90"
  measure::Question question;
  Expected expected;
  std::optional<CounterName> counter;  // of the rule that swallows it
  unsigned line = 0;                   // of the rule that decides, in the scenario
};

struct DeclareOptions {
  Duration longest_timer = std::chrono::minutes(5);
};

// In the order in which they are to be asked. Only a client's first site is asked about.
std::vector<Declaration> declare(const model::Scenario& scenario, Form form, const DeclareOptions& options = {});

// "reflect", "--address", ...: the words after the program's name.
std::vector<std::string> reflector_arguments(const model::Scenario& scenario);

struct Measured {
  std::map<std::string, std::map<std::string, measure::Answer>> answers;  // by client and question
  std::vector<std::string> far_side;                                      // tokens that the reflector printed
  std::map<CounterName, std::uint64_t> counted;                           // packets since the measurement began
};

struct Row {
  std::string site;
  std::string client;
  std::string what;
  std::string declared;
  std::string measured;
  bool agrees = false;
  std::string note;  // why not, or what was allowed for
};

// One row for each declaration, in their order. Tolerances, which `note` names when they were needed: loss, four
// standard deviations of what the declared share gives in so many packets, and 0.2 % where none is declared; delay, 3
// ms or 10 %, and the jitter; rate, 15 %; a timer, 5 % or 300 ms beyond the two silences; bytes and time of a limited
// flow, 15 %; everything else must be equal.
std::vector<Row> compare(const std::vector<Declaration>& declarations, const Measured& measured);

}  // namespace crypelab::blueprint
