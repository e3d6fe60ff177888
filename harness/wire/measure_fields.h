#pragma once

#include "harness/base/measure.h"

#include <concepts>
#include <type_traits>

// The names that the values of measure.h have in JSON, once for writing and reading: visit(name, field) for each field.
namespace crypelab::wire {

template <class Value, class Other>
concept same = std::same_as<std::remove_const_t<Value>, Other>;

template <class Visit, same<measure::Reach> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("transport", value.transport);
  visit("to", value.to);
  visit("token", value.token);
  visit("opening", value.opening);
  visit("name", value.server_name);
  visit("protocols", value.protocols);
}
template <class Visit, same<measure::Passage> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("transport", value.transport);
  visit("to", value.to);
  visit("bytes", value.bytes);
  visit("time", value.time);
  visit("interval", value.interval);
  visit("patience", value.patience);
}
template <class Visit, same<measure::Mapping> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("transport", value.transport);
  visit("server", value.server);
  visit("other", value.other);
}
template <class Visit, same<measure::Filtering> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("server", value.server);
  visit("other", value.other);
}
template <class Visit, same<measure::Hairpin> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("server", value.server);
}
template <class Visit, same<measure::Lifetime> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("server", value.server);
  visit("maximum", value.maximum);
  visit("steps", value.steps);
}
template <class Visit, same<measure::Train> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("to", value.to);
  visit("count", value.count);
  visit("size", value.size);
  visit("interval", value.interval);
}
template <class Visit, same<measure::Rate> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("transport", value.transport);
  visit("way", value.way);
  visit("to", value.to);
  visit("offered", value.offered);
  visit("time", value.time);
  visit("opening", value.opening);
  visit("server_name", value.server_name);
  visit("protocols", value.protocols);
}
template <class Visit, same<measure::PathMtu> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("way", value.way);
  visit("to", value.to);
  visit("largest", value.largest);
}
template <class Visit, same<measure::Resolve> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("name", value.name);
  visit("type", value.type);
  visit("server", value.server);
}
template <class Visit, same<measure::Challenge> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("proxy", value.proxy);
  visit("target", value.target);
}
template <class Visit, same<measure::Question> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("id", value.id);
  visit("deadline", value.deadline);
  visit("from", value.from);
  visit("after", value.after);
}

template <class Visit, same<measure::Reached> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("outcome", value.outcome);
  visit("local", value.local);
  visit("seen", value.seen);
  visit("icmp_from", value.icmp_from);
}
template <class Visit, same<measure::Passed> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("bytes", value.bytes);
  visit("time", value.time);
  visit("ended", value.ended);
  visit("outcome", value.outcome);
}
template <class Visit, same<measure::Mapped> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("local", value.local);
  visit("external", value.external);
  visit("nat", value.nat);
  visit("mapping", value.mapping);
  visit("ports", value.ports);
}
template <class Visit, same<measure::Filtered> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("answered", value.answered);
  visit("filtering", value.filtering);
}
template <class Visit, same<measure::Hairpinned> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("hairpin", value.hairpin);
  visit("seen", value.seen);
}
template <class Visit, same<measure::Lived> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("answered", value.answered);
  visit("alive", value.alive);
  visit("dead", value.dead);
}
template <class Visit, same<measure::Counted> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("sent", value.sent);
  visit("received", value.received);
  visit("lost", value.lost);
  visit("duplicated", value.duplicated);
  visit("reordered", value.reordered);
  visit("jitter", value.jitter);
}
template <class Visit, same<measure::Trained> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("complete", value.complete);
  visit("up", value.up);
  visit("down", value.down);
  visit("rtt_min", value.rtt_min);
  visit("rtt_p50", value.rtt_p50);
  visit("rtt_p95", value.rtt_p95);
}
template <class Visit, same<measure::Rated> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("complete", value.complete);
  visit("goodput", value.goodput);
  visit("wire", value.wire);
  visit("sent", value.sent);
  visit("received", value.received);
}
template <class Visit, same<measure::PathMtuFound> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("mtu", value.mtu);
  visit("too_big", value.too_big);
  visit("reported", value.reported);
}
template <class Visit, same<measure::Resolved> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("outcome", value.outcome);
  visit("addresses", value.addresses);
  visit("nat64", value.nat64);
}
template <class Visit, same<measure::Challenged> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("outcome", value.outcome);
  visit("status", value.status);
  visit("schemes", value.schemes);
}
template <class Visit, same<measure::Answer> Value>
void visit_fields(Visit& visit, Value& value) {
  visit("id", value.id);
  visit("elapsed", value.elapsed);
}

// Everything that is an object in JSON.
struct AnyVisit {
  template <class Field>
  void operator()(const char*, Field&) {}
};
template <class Value>
concept has_fields = requires(AnyVisit visit, Value value) {
  visit_fields(visit, value);
};

template <class Alternative>
constexpr const char* name_of_alternative() {
  using namespace measure;
  if constexpr (std::same_as<Alternative, Reach>) return "reach";
  if constexpr (std::same_as<Alternative, Passage>) return "passage";
  if constexpr (std::same_as<Alternative, Mapping>) return "mapping";
  if constexpr (std::same_as<Alternative, Filtering>) return "filtering";
  if constexpr (std::same_as<Alternative, Hairpin>) return "hairpin";
  if constexpr (std::same_as<Alternative, Lifetime>) return "lifetime";
  if constexpr (std::same_as<Alternative, Train>) return "train";
  if constexpr (std::same_as<Alternative, Rate>) return "rate";
  if constexpr (std::same_as<Alternative, PathMtu>) return "path_mtu";
  if constexpr (std::same_as<Alternative, Resolve>) return "resolve";
  if constexpr (std::same_as<Alternative, Challenge>) return "challenge";
  if constexpr (std::same_as<Alternative, Reached>) return "reached";
  if constexpr (std::same_as<Alternative, Passed>) return "passed";
  if constexpr (std::same_as<Alternative, Mapped>) return "mapped";
  if constexpr (std::same_as<Alternative, Filtered>) return "filtered";
  if constexpr (std::same_as<Alternative, Hairpinned>) return "hairpinned";
  if constexpr (std::same_as<Alternative, Lived>) return "lived";
  if constexpr (std::same_as<Alternative, Trained>) return "trained";
  if constexpr (std::same_as<Alternative, Rated>) return "rated";
  if constexpr (std::same_as<Alternative, PathMtuFound>) return "path_mtu_found";
  if constexpr (std::same_as<Alternative, Resolved>) return "resolved";
  if constexpr (std::same_as<Alternative, Challenged>) return "challenged";
}

}  // namespace crypelab::wire
