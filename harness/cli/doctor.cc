#include "harness/base/error.h"
#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/lab/machine.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::cli {
namespace {

const char* word(lab::Finding::State state) {
  switch (state) {
    case lab::Finding::State::there:
      return "ok";
    case lab::Finding::State::missing:
      return "missing";
    case lab::Finding::State::limited:
      return "limited";
  }
  return "";
}

void print_json(const std::vector<lab::Finding>& findings) {
  boost::json::array rows;
  for (const auto& finding : findings) {
    boost::json::object row{{"what", finding.what}, {"state", word(finding.state)}, {"detail", finding.detail}};
    if (!finding.remedy.empty()) row["remedy"] = finding.remedy;
    rows.push_back(std::move(row));
  }
  put(fmt::format("{}\n", boost::json::serialize(boost::json::object{{"findings", rows}})));
}

void print_text(const std::vector<lab::Finding>& findings) {
  for (const auto& finding : findings) {
    put(fmt::format("{:<8} {:<20} {}\n", word(finding.state), finding.what, finding.detail));
    if (!finding.remedy.empty()) put(fmt::format("{:<29} {}\n", "", finding.remedy));
  }
}

}  // namespace

int run(const Doctor& command) {
  const auto findings = lab::examine_machine();
  command.json ? print_json(findings) : print_text(findings);
  const auto missing = std::ranges::find(findings, lab::Finding::State::missing, &lab::Finding::state);
  if (missing == findings.end()) return 0;
  return static_cast<int>(missing->what == "user" || missing->what == "namespaces" ? Exit::privilege
                                                                                   : Exit::unavailable);
}

}  // namespace crypelab::cli
