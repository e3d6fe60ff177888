#include "clients/reference/proxy/app.h"

#include <array>

namespace crypelab::client::proxy {
namespace {

constexpr std::array<std::string_view, 7> names{
    "browser", "desktop", "desktop-unconfigured", "desktop-split", "mobile-system", "mobile-native", "mobile-custom"};

// What a browser or a device goes by: the machine's setting, which `job` may spell out.
Settings of_machine(const Settings& job) { return job.mode == Mode::direct ? Settings{.mode = Mode::system} : job; }

}  // namespace

Result<App> parse_app(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<App>(i);
  }
  return Complaint{"'" + std::string(name.substr(0, 40)) + "' is no kind of application"};
}

Settings settings_for(App app, Purpose purpose, const Settings& job) {
  const Settings none{.mode = Mode::direct};
  const bool signaling = purpose == Purpose::signaling;
  switch (app) {
    case App::browser:
    case App::mobile_system:
    case App::mobile_custom:
      return of_machine(job);
    case App::desktop:
      return job;
    case App::desktop_unconfigured:
      return none;
    case App::desktop_split:
      return signaling ? none : job;
    case App::mobile_native:
      return signaling ? of_machine(job) : none;
  }
  return none;
}

}  // namespace crypelab::client::proxy
