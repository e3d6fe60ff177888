#include "harness/base/error.h"
#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"
#include "harness/lab/front.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace crypelab::cli {
namespace {

using blueprint::Row;

std::string as_json(const std::string& scenario, const std::vector<Row>& rows, Duration took) {
  boost::json::array list;
  for (const auto& row : rows) {
    boost::json::object object{{"site", row.site},         {"client", row.client},     {"what", row.what},
                               {"declared", row.declared}, {"measured", row.measured}, {"agrees", row.agrees}};
    if (!row.note.empty()) object["note"] = row.note;
    list.push_back(std::move(object));
  }
  return boost::json::serialize(
             boost::json::object{{"scenario", scenario}, {"took_us", took.count()}, {"rows", list}}) +
         "\n";
}

// "site client" above the rows that belong to it; columns as wide as they need to be.
std::string as_text(const std::vector<Row>& rows, Duration took) {
  std::size_t what = 4;
  std::size_t declared = 8;
  std::size_t measured = 8;
  for (const auto& row : rows) {
    what = std::max(what, row.what.size());
    declared = std::max(declared, row.declared.size());
    measured = std::max(measured, row.measured.size());
  }
  std::string text =
      fmt::format("  {:<{}}  {:<{}}  {:<{}}  agrees\n", "what", what, "declared", declared, "measured", measured);
  std::string heading;
  for (const auto& row : rows) {
    if (const std::string own = row.client + " in " + row.site; own != heading) text += (heading = own) + "\n";
    text += fmt::format("  {:<{}}  {:<{}}  {:<{}}  {}{}\n", row.what, what, row.declared, declared, row.measured,
                        measured, row.agrees ? "yes" : "NO", row.note.empty() ? "" : "  (" + row.note + ")");
  }
  return text + fmt::format("{} of {} agree, measured in {} ms\n", std::ranges::count_if(rows, &Row::agrees),
                            rows.size(), took.count() / 1000);
}

}  // namespace

int run(const Measure& command) {
  const auto scenario = select_one(command.scenario);
  return lab::run_measurement(
      scenario, {command.quick ? blueprint::Form::quick : blueprint::Form::full, command.cached, kVersion},
      [&](const std::vector<Row>& rows, Duration took) {
        put(command.json ? as_json(scenario.name, rows, took) : as_text(rows, took));
        const bool all = std::ranges::all_of(rows, &Row::agrees);
        return static_cast<int>(all ? Exit::ok : Exit::inconclusive);
      });
}

}  // namespace crypelab::cli
