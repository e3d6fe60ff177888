#include "harness/evidence/evidence_json.h"

#include "harness/base/error.h"

#include <array>
#include <charconv>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::evidence {
namespace {

namespace json = boost::json;

constexpr std::array kSources{
    model::Source::lab, model::Source::client, model::Source::proxy, model::Source::turn, model::Source::signaling,
    model::Source::dns, model::Source::gate,   model::Source::web,   model::Source::rule, model::Source::measurement};
constexpr double kLongest = 2e6;  // seconds; up to there nanoseconds survive a double

constexpr std::array kKinds{Interface::Kind::border, Interface::Kind::carrier, Interface::Kind::lan,
                            Interface::Kind::server};

// One line of the file, as the object that it holds; complains with its place.
class Line {
 public:
  Line(const std::string& name, unsigned number, std::string_view text) : name_(name), number_(number) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 8;
    auto value = json::parse(text, error, {}, options);
    if (error) refuse(fmt::format("damaged: {}", error.message()));
    if (!value.is_object()) refuse("damaged: not a JSON object");
    object_ = std::move(value.as_object());
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Failure(Exit::data, fmt::format("{}:{}: {}", name_, number_, what));
  }

  const json::value& member(const json::object& object, std::string_view key) const {
    const auto* found = object.if_contains(key);
    if (found == nullptr) refuse(fmt::format("damaged: '{}' is missing", key));
    return *found;
  }
  std::string text(const json::object& object, std::string_view key) const { return text(member(object, key), key); }
  std::string text(const json::value& value, std::string_view key) const {
    if (!value.is_string()) refuse(fmt::format("damaged: '{}' is no text", key));
    return std::string(value.as_string());
  }
  bool truth(const json::object& object, std::string_view key) const {
    const auto& value = member(object, key);
    if (!value.is_bool()) refuse(fmt::format("damaged: '{}' is neither true nor false", key));
    return value.as_bool();
  }
  std::uint64_t count(const json::object& object, std::string_view key) const {
    boost::system::error_code error;
    const auto value = member(object, key).to_number<std::uint64_t>(error);
    if (error) refuse(fmt::format("damaged: '{}' is no count", key));
    return value;
  }
  double number(const json::object& object, std::string_view key) const {
    const auto& value = member(object, key);
    if (!value.is_number()) refuse(fmt::format("damaged: '{}' is no number", key));
    return value.to_number<double>();
  }
  const json::array& list(const json::object& object, std::string_view key) const {
    const auto& value = member(object, key);
    if (!value.is_array()) refuse(fmt::format("damaged: '{}' is no list", key));
    return value.as_array();
  }
  const json::object& object(const json::value& value, std::string_view key) const {
    if (!value.is_object()) refuse(fmt::format("damaged: '{}' is no object", key));
    return value.as_object();
  }
  // The value whose name stands there.
  template <class Values>
  auto named(const json::object& object, std::string_view key, const Values& values) const {
    const auto name = text(object, key);
    for (const auto value : values) {
      if (to_string(value) == name) return value;
    }
    refuse(fmt::format("damaged: '{}' cannot be '{}'", key, name));
  }
  const json::object& object() const { return object_; }

 private:
  const std::string& name_;
  unsigned number_;
  json::object object_;
};

Party party(const Line& line, const json::object& object) {
  Party party;
  party.client = line.text(object, "client");
  party.driver = line.text(object, "driver");
  party.name = line.text(object, "name");
  party.version = line.text(object, "version");
  party.reference = line.truth(object, "reference");
  party.proof = line.text(object, "proof");
  for (const auto& feature : line.list(object, "features")) party.features.push_back(line.text(feature, "features"));
  for (const auto& each : line.list(object, "addresses")) {
    const auto address = parse_address(line.text(each, "addresses"));
    if (!address) line.refuse("damaged: " + address.complaint());
    party.addresses.push_back(*address);
  }
  return party;
}

Attempt head(const Line& line) {
  const auto& object = line.object();
  Attempt attempt;
  if (!object.contains("crypelab-evidence")) line.refuse("this is no evidence of crypelab");
  const auto version = line.count(object, "crypelab-evidence");
  if (version > static_cast<std::uint64_t>(Attempt::kVersion)) {
    line.refuse(fmt::format("evidence of version {}, written by a newer crypelab; this one reads version {}", version,
                            Attempt::kVersion));
  }
  if (version < 1) line.refuse("damaged: there is no version 0");
  attempt.version = static_cast<int>(version);
  attempt.program = line.text(object, "program");
  attempt.scenario = line.text(object, "scenario");
  attempt.scenario_file = line.text(object, "scenario-file");
  attempt.number = static_cast<unsigned>(line.count(object, "attempt"));
  const auto seed = line.text(object, "seed");
  const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), attempt.seed);
  if (error != std::errc() || end != seed.data() + seed.size()) line.refuse("damaged: 'seed' is no number");
  attempt.started = line.text(object, "started");
  attempt.captured = line.truth(object, "captured");
  for (const auto& each : line.list(object, "clients"))
    attempt.parties.push_back(party(line, line.object(each, "clients")));
  for (const auto& each : line.list(object, "interfaces")) {
    const auto& interface = line.object(each, "interfaces");
    attempt.interfaces.push_back({line.text(interface, "name"), line.named(interface, "kind", kKinds),
                                  line.text(interface, "host"), line.text(interface, "site")});
  }
  return attempt;
}

model::Event event(const Line& line) {
  model::Event event;
  const auto& object = line.object();
  const auto seconds = line.number(object, "at");
  if (!(std::abs(seconds) < kLongest)) line.refuse("damaged: 'at' is no time");
  event.at = std::chrono::nanoseconds(std::llround(seconds * 1e9));
  event.source = line.named(object, "source", kSources);
  event.where = line.text(object, "where");
  event.kind = line.text(object, "kind");
  for (const auto& [key, value] : line.object(line.member(object, "fields"), "fields")) {
    const std::string name(key);
    if (value.is_bool()) {
      event.fields.emplace_back(name, value.as_bool());
    } else if (value.is_int64()) {
      event.fields.emplace_back(name, value.as_int64());
    } else if (value.is_double()) {
      event.fields.emplace_back(name, value.as_double());
    } else if (value.is_string()) {
      event.fields.emplace_back(name, std::string(value.as_string()));
    } else {
      line.refuse(fmt::format("damaged: the field '{}' is neither text, number nor truth", name));
    }
  }
  return event;
}

void take_tail(const Line& line, Attempt& attempt) {
  const auto& object = line.object();
  attempt.packets_lost = line.count(object, "packets-lost");
  for (const auto& each : line.list(object, "casualties")) attempt.casualties.push_back(line.text(each, "casualties"));
  attempt.complete = line.truth(object, "complete");
}

}  // namespace

Attempt decode(std::string_view text, const std::string& name) {
  constexpr std::string_view opening = ",\"events\":[";
  unsigned number = 0;
  const auto next = [&] {
    const auto end = text.find('\n');
    ++number;
    if (end == std::string_view::npos) throw Failure(Exit::data, fmt::format("{}:{}: cut off here", name, number));
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
  };
  const auto first = next();
  if (!first.ends_with(opening)) throw Failure(Exit::data, fmt::format("{}:1: this is no evidence of crypelab", name));
  auto attempt = head(Line(name, number, std::string(first.substr(0, first.size() - opening.size())) + "}"));
  for (;;) {
    auto line = next();
    if (line.starts_with("],")) {
      take_tail(Line(name, number, "{" + std::string(line.substr(2))), attempt);
      break;
    }
    if (line.ends_with(',')) line.remove_suffix(1);
    auto read = event(Line(name, number, line));
    if (!attempt.events.empty() && read.at < attempt.events.back().at) {
      throw Failure(Exit::data, fmt::format("{}:{}: damaged: earlier than the event before it", name, number));
    }
    attempt.events.push_back(std::move(read));
  }
  if (!text.empty())
    throw Failure(Exit::data, fmt::format("{}:{}: damaged: something follows the end", name, number + 1));
  return attempt;
}

}  // namespace crypelab::evidence
