#include "harness/lab/capture_points.h"

#include "harness/blueprint/site_plan.h"

#include <algorithm>

namespace crypelab::lab {
namespace {

using evidence::Interface;

// The site at whose edge the other end of that interface's cable is.
std::string site_behind(const blueprint::Blueprint& plan, const blueprint::Host& host, const std::string& device) {
  const auto cable = std::ranges::find(plan.cables, blueprint::End{host.name, device}, &blueprint::Cable::a);
  const auto* edge = cable == plan.cables.end() ? nullptr : blueprint::find_host(plan, cable->b.host);
  return edge == nullptr ? host.site : edge->site;
}

}  // namespace

std::vector<CapturePoint> capture_points(const blueprint::Blueprint& plan) {
  using blueprint::Role;
  std::vector<CapturePoint> points;
  for (const auto& host : plan.hosts) {
    const auto add = [&](Interface::Kind kind, const std::string& device, const std::string& name,
                         const std::string& site) {
      points.push_back({{name, kind, host.name, site}, device});
    };
    switch (host.role) {
      case Role::edge:
        add(Interface::Kind::border, blueprint::kWan, host.site + ".border", host.site);
        break;
      case Role::carrier:
        add(Interface::Kind::carrier, blueprint::kWan, host.site + ".carrier", host.site);
        break;
      case Role::client:
        for (const auto& each : host.interfaces) {
          add(Interface::Kind::lan, each.name, host.name + "." + each.name, site_behind(plan, host, each.name));
        }
        break;
      case Role::server:
        for (const auto& each : host.interfaces) {
          add(Interface::Kind::server, each.name, host.name + "." + each.name, host.site);
        }
        break;
      case Role::world:
        if (host.name == "dns" || host.name == "reflector") break;
        for (const auto& each : host.interfaces) {
          add(Interface::Kind::server, each.name, host.name + "." + each.name, "");
        }
        break;
      case Role::internet:
        break;
    }
  }
  return points;
}

}  // namespace crypelab::lab
