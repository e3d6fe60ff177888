#include "harness/judge/ceilings.h"

#include <algorithm>

namespace crypelab::judge {
namespace {

// So near to what was offered that more might have arrived.
constexpr double kAllOfIt = 0.97;

}  // namespace

std::vector<model::Ceiling> ceilings_of(const Scene& scene) {
  std::vector<model::Ceiling> ceilings;
  std::vector<std::string> broken;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::measurement || event.kind != "ceiling") continue;
    const std::string direction(model::text_field(event, "direction"));
    const auto* complete = model::find_field(event, "complete");
    if (complete == nullptr || *complete != model::Value(true)) broken.push_back(direction);
    auto found = std::ranges::find(ceilings, direction, &model::Ceiling::direction);
    if (found == ceilings.end()) found = ceilings.insert(found, {.direction = direction});
    model::CeilingLeg leg{std::string(model::text_field(event, "client")),
                          std::string(model::text_field(event, "from")), std::string(model::text_field(event, "way")),
                          std::string(model::text_field(event, "transport")), real_field(event, "goodput_bps")};
    if (found->legs.empty() || leg.goodput_bps < found->goodput_bps) {
      const double offered = real_field(event, "offered_bps");
      found->goodput_bps = leg.goodput_bps;
      found->at_least = offered > 0 && leg.goodput_bps >= kAllOfIt * offered;
    }
    found->legs.push_back(std::move(leg));
  }
  std::erase_if(ceilings, [&](const model::Ceiling& ceiling) {
    return ceiling.legs.size() < 2 || std::ranges::find(broken, ceiling.direction) != broken.end();
  });
  return ceilings;
}

std::string without_ceiling(const Scene& scene) {
  bool tried = false;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::measurement) continue;
    if (event.kind == "no-ceiling") return std::string(model::text_field(event, "why"));
    tried = tried || event.kind == "ceiling";
  }
  return tried && ceilings_of(scene).empty() ? "the measurement did not come to its end" : "";
}

const model::Ceiling* ceiling_of(const std::vector<model::Ceiling>& ceilings, const Scene& scene,
                                 const std::string& client, std::string_view direction) {
  const auto callers = scene.callers();
  const bool calls = !callers.empty() && callers.front() == client;
  const std::string_view seen = calls ? direction : direction == "send" ? "receive" : "send";
  const auto found = std::ranges::find(ceilings, seen, &model::Ceiling::direction);
  return found == ceilings.end() ? nullptr : &*found;
}

}  // namespace crypelab::judge
