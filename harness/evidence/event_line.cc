#include "harness/evidence/event_line.h"

#include "harness/base/overloaded.h"
#include "harness/evidence/utf8.h"

#include <boost/json.hpp>

namespace crypelab::evidence {

std::string event_line(const model::Event& event, const Redaction& redaction) {
  boost::json::object line;
  const auto text = [&](std::string_view value) { return boost::json::string(well_formed(redaction(value))); };
  line["at"] = std::chrono::duration<double>(event.at).count();
  line["source"] = model::to_string(event.source);
  line["where"] = text(event.where);
  line["kind"] = text(event.kind);
  for (const auto& [name, value] : event.fields) {
    std::visit(Overloaded{
                   [&, &key = name](const std::string& string) { line[key] = text(string); },
                   [&, &key = name](const auto& plain) { line[key] = plain; },
               },
               value);
  }
  return boost::json::serialize(line) + "\n";
}

}  // namespace crypelab::evidence
