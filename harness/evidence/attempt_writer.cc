#include "harness/evidence/attempt_writer.h"

#include "harness/base/overloaded.h"
#include "harness/evidence/utf8.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::evidence {
namespace {

namespace json = boost::json;

class Encoder {
 public:
  explicit Encoder(const Redaction& redaction) : redaction_(redaction) {}

  json::string text(std::string_view value) const { return json::string(well_formed(redaction_(value))); }

  json::object head(const Attempt& attempt) const {
    json::object head;
    head["crypelab-evidence"] = attempt.version;
    head["program"] = text(attempt.program);
    head["scenario"] = text(attempt.scenario);
    head["scenario-file"] = text(attempt.scenario_file);
    head["attempt"] = attempt.number;
    head["seed"] = std::to_string(attempt.seed);  // as text: not every reader of JSON has 64 bits
    head["started"] = text(attempt.started);
    head["captured"] = attempt.captured;
    auto& parties = head["clients"].emplace_array();
    for (const auto& party : attempt.parties) parties.push_back(encoded(party));
    auto& interfaces = head["interfaces"].emplace_array();
    for (const auto& interface : attempt.interfaces) {
      interfaces.push_back(json::object{{"name", text(interface.name)},
                                        {"kind", to_string(interface.kind)},
                                        {"host", text(interface.host)},
                                        {"site", text(interface.site)}});
    }
    return head;
  }

  // Nanoseconds are exact in a double for longer than any lab lives.
  std::string line(const model::Event& event) const {
    json::object fields;
    for (const auto& [name, value] : event.fields) {
      auto& field = fields[text(name)];
      std::visit(Overloaded{
                     [&](const std::string& string) { field = text(string); },
                     [&](const auto& plain) { field = plain; },
                 },
                 value);
    }
    return fmt::format(R"({{"at":{:.9f},"source":"{}","where":{},"kind":{},"fields":{}}})",
                       std::chrono::duration<double>(event.at).count(), model::to_string(event.source),
                       json::serialize(text(event.where)), json::serialize(text(event.kind)), json::serialize(fields));
  }

  json::object tail(const Attempt& attempt) const {
    json::object tail;
    tail["packets-lost"] = attempt.packets_lost;
    auto& casualties = tail["casualties"].emplace_array();
    for (const auto& casualty : attempt.casualties) casualties.push_back(text(casualty));
    tail["complete"] = attempt.complete;
    return tail;
  }

 private:
  json::object encoded(const Party& party) const {
    json::object object{{"client", text(party.client)},   {"driver", text(party.driver)}, {"name", text(party.name)},
                        {"version", text(party.version)}, {"reference", party.reference}, {"proof", text(party.proof)}};
    auto& features = object["features"].emplace_array();
    for (const auto& feature : party.features) features.push_back(text(feature));
    auto& addresses = object["addresses"].emplace_array();
    for (const auto& address : party.addresses) addresses.push_back(json::string(crypelab::to_string(address)));
    return object;
  }

  const Redaction& redaction_;
};

}  // namespace

void encode(const Attempt& attempt, const Redaction& redaction, const std::function<void(std::string_view)>& write) {
  const Encoder encoder(redaction);
  auto head = json::serialize(encoder.head(attempt));
  head.pop_back();
  write(head + ",\"events\":[\n");
  for (std::size_t i = 0; i < attempt.events.size(); ++i) {
    write(encoder.line(attempt.events[i]) + (i + 1 < attempt.events.size() ? ",\n" : "\n"));
  }
  write("]," + json::serialize(encoder.tail(attempt)).substr(1) + "\n");
}

}  // namespace crypelab::evidence
