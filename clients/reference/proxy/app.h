#pragma once

#include "clients/reference/proxy/settings.h"
#include "harness/base/result.h"

#include <string_view>

namespace crypelab::client::proxy {

// What a connection is for.
enum class Purpose { signaling, turn };

// Whose habits to imitate: `app` of the contract.
enum class App {
  browser,
  desktop,
  desktop_unconfigured,
  desktop_split,
  mobile_system,
  mobile_native,
  mobile_custom,
};
Result<App> parse_app(std::string_view name);

// Which settings such an application uses for such a connection, `job` being those of the job. A browser and a device
// have a setting of their own, which is the machine's unless the job says what the device was set to.
Settings settings_for(App app, Purpose purpose, const Settings& job);

}  // namespace crypelab::client::proxy
