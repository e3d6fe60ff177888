#include "harness/cli/driver.h"

#include "harness/base/error.h"
#include "harness/lab/machine.h"
#include "harness/scenario/driver_file.h"
#include "harness/scenario/spelling.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

namespace crypelab::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdapterFile = "driver.yaml";

fs::path adapter_folder() {
  std::error_code error;
  const fs::path own = lab::own_folder();
  for (const char* beside : {"../share/crypelab/adapters", "../../../clients/adapters"}) {
    auto folder = (own / beside).lexically_normal();
    if (fs::is_directory(folder, error)) return folder;
  }
  return {};
}

bool is_driver_file(const fs::path& path) {
  const auto ending = path.extension();
  return ending == ".yaml" || ending == ".yml" || ending == ".json";
}

}  // namespace

std::vector<std::string> adapters() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(adapter_folder(), error)) {
    if (fs::is_regular_file(entry.path() / kAdapterFile, error)) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

model::Driver find_driver(const std::string& text) {
  model::Driver driver;
  if (text == kReferenceDriver) {
    driver.command = {lab::own_folder() + "/" + kReferenceDriver};
    driver.reference = true;
    if (access(driver.command.front().c_str(), X_OK) != 0)
      throw Failure(Exit::unavailable, fmt::format("the reference client is not there: {}; name a driver by --client",
                                                   driver.command.front()));
  } else if (is_driver_file(text)) {
    driver = scenario::read_driver(text);
  } else if (text.find('/') != std::string::npos) {
    const auto path = fs::absolute(text).lexically_normal();
    driver.command = {path};
    driver.folder = path.parent_path();
  } else if (const auto file = adapter_folder() / text / kAdapterFile; !text.empty() && fs::exists(file)) {
    driver = scenario::read_driver(file);
  } else {
    auto names = adapters();
    names.emplace_back(kReferenceDriver);
    const std::vector<std::string_view> known(names.begin(), names.end());
    const auto near = scenario::did_you_mean(text, known);
    throw Failure(Exit::usage, fmt::format("there is no driver '{}'{}; name {}, or an executable like ./{}", text,
                                           near.empty() ? "" : ": " + near, fmt::join(names, ", "), text));
  }
  driver.name = text;
  return driver;
}

}  // namespace crypelab::cli
