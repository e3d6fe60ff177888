#include "harness/model/describe.h"
#include "harness/report/page.h"
#include "harness/report/record.h"
#include "harness/report/run.h"

#include <map>
#include <numeric>

namespace crypelab::report {
namespace {

namespace json = boost::json;

// What the page may hold in all: beyond it pictures are left out first, then timelines of those that passed.
constexpr std::size_t kMostPictures = 8U << 20U;
constexpr std::size_t kMostTimelines = 16U << 20U;

// JSON inside a script element: no "<" can end it (HTML, 4.12.1.3).
std::string embedded(const json::value& value) {
  const std::string whole = json::serialize(value);
  std::string out;
  out.reserve(whole.size());
  for (const char c : whole) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

void put(std::string& page, const std::string& id, const json::value& value) {
  page += "<script type=\"application/json\" id=\"" + id + "\">" + embedded(value) + "</script>\n";
}

json::object row_of(const Cell& cell, std::size_t number) {
  const auto& last = *cell.attempts.back();
  json::array paths;
  for (const auto& client : last.clients)
    paths.emplace_back(client.path ? json::value(model::describe(*client.path)) : json::value(nullptr));
  json::value time(nullptr);
  if (last.time_to_connect) time = std::chrono::duration<double>(*last.time_to_connect).count();
  return {{"n", number},
          {"scenario", text(cell.scenario)},
          {"title", text(last.title)},
          {"clients", text(cell.clients)},
          {"outcome", model::to_string(cell.outcome)},
          {"flaky", cell.flaky},
          {"attempts", cell.attempts.size()},
          {"paths", std::move(paths)},
          {"time", std::move(time)},
          {"why", text(last.why)}};
}

}  // namespace

std::string to_html(const Run& run) {
  const auto cells = cells_of(run);
  std::string page = kPageHead;
  json::array rows;
  for (std::size_t i = 0; i < cells.size(); ++i) rows.emplace_back(row_of(cells[i], i));
  json::array not_covered;
  for (const auto& one : run.not_covered)
    not_covered.emplace_back(json::object{{"scenario", text(one.scenario)}, {"why", text(one.why)}});
  put(page, "run",
      json::object{{"program", text(run.program)},
                   {"started", text(run.started)},
                   {"seed", run.seed},
                   {"seconds", run.seconds},
                   {"complete", run.complete},
                   {"cells", std::move(rows)},
                   {"not_covered", std::move(not_covered)}});

  std::map<std::string, std::size_t> pictures;  // by the drawing itself: cases share theirs
  std::size_t of_pictures = 0;
  std::size_t of_timelines = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    json::array attempts;
    json::value topology(nullptr);
    for (const auto* attempt : cells[i].attempts) {
      auto record = record_of(*attempt);
      const std::size_t size =
          std::accumulate(attempt->timeline.begin(), attempt->timeline.end(), std::size_t{0},
                          [](std::size_t sum, const auto& line) { return sum + line.text.size() + 40; });
      const bool worth_it = attempt->outcome != model::Outcome::pass || of_timelines < kMostTimelines / 2;
      if (worth_it && of_timelines + size <= kMostTimelines) {
        of_timelines += size;
        record["timeline"] = timeline_of(*attempt);
      }
      attempts.emplace_back(std::move(record));
      if (attempt->topology.empty()) continue;
      const auto known = pictures.find(attempt->topology);
      if (known != pictures.end()) {
        topology = known->second;
      } else if (of_pictures + attempt->topology.size() <= kMostPictures) {
        of_pictures += attempt->topology.size();
        topology = pictures.size();
        put(page, "t" + std::to_string(pictures.size()), json::string(attempt->topology));
        pictures.emplace(attempt->topology, pictures.size());
      }
    }
    put(page, "c" + std::to_string(i),
        json::object{{"attempts", std::move(attempts)}, {"topology", std::move(topology)}});
  }
  return page + kPageTail;
}

}  // namespace crypelab::report
