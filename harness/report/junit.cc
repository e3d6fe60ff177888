#include "harness/model/describe.h"
#include "harness/report/record.h"
#include "harness/report/run.h"

#include <map>

#include <fmt/format.h>

namespace crypelab::report {
namespace {

using model::Outcome;

std::string xml(std::string_view from) {
  std::string out;
  for (const char c : text(from)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string lines_of(const model::Judgement& judgement) {
  std::string lines;
  for (const auto& verdict : judgement.verdicts) {
    lines += fmt::format("{}: {}{}{}\n", model::to_string(verdict.outcome), verdict.what,
                         verdict.reason.empty() ? "" : ": ", verdict.reason);
    for (const auto& detail : verdict.details) lines += "    " + detail + "\n";
  }
  std::string out;
  std::size_t begin = 0;
  while (begin < lines.size()) {  // `text` joins lines: one by one
    const auto end = lines.find('\n', begin);
    out += xml(lines.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return out;
}

struct Suite {
  unsigned tests = 0, failures = 0, errors = 0, skipped = 0;
  double time = 0;
  std::string cases;
};

}  // namespace

std::string to_junit(const Run& run) {
  std::map<std::string, Suite> suites;  // a folder of scenarios each
  const auto suite_of = [&](const std::string& scenario) -> Suite& {
    const auto slash = scenario.find('/');
    return suites[slash == std::string::npos ? "scenarios" : scenario.substr(0, slash)];
  };
  for (const auto& cell : cells_of(run)) {
    auto& suite = suite_of(cell.scenario);
    const auto* worst = cell.attempts.front();
    for (const auto* attempt : cell.attempts) {
      if (attempt->outcome > worst->outcome) worst = attempt;
    }
    const double time = worst->time_to_connect ? std::chrono::duration<double>(*worst->time_to_connect).count() : 0;
    suite.tests += 1;
    suite.time += time;
    suite.cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", xml(cell.clients),
                               xml(cell.scenario), time);
    const auto with = [&](const char* element, const std::string& message) {
      suite.cases += fmt::format(
          ">\n      <{} message=\"{}\" type=\"{}\">{}</{}>\n    </testcase>\n", element, xml(message),
          cell.flaky ? std::string("flaky") : std::string(model::to_string(cell.outcome)), lines_of(*worst), element);
    };
    if (cell.flaky) {
      suite.failures += 1;
      with("failure", fmt::format("{} attempts differ: {}", cell.attempts.size(), worst->why));
    } else if (is_failure(cell.outcome)) {
      suite.failures += 1;
      with("failure", worst->why);
    } else if (cell.outcome == Outcome::inconclusive) {
      suite.errors += 1;
      with("error", worst->why);
    } else if (cell.outcome == Outcome::unsupported) {
      suite.skipped += 1;
      suite.cases += fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", xml(worst->why));
    } else {
      suite.cases += "/>\n";
    }
  }
  for (const auto& one : run.not_covered) {
    auto& suite = suite_of(one.scenario);
    suite.tests += 1;
    suite.skipped += 1;
    suite.cases += fmt::format(
        "    <testcase classname=\"not-covered\" name=\"{}\" time=\"0\">\n      <skipped message=\"{}\"/>\n    "
        "</testcase>\n",
        xml(one.scenario), xml(one.why));
  }
  Suite all;
  std::string body;
  for (const auto& [name, suite] : suites) {
    all.tests += suite.tests;
    all.failures += suite.failures;
    all.errors += suite.errors;
    all.skipped += suite.skipped;
    all.time += suite.time;
    body += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\" "
        "timestamp=\"{}\">\n{}  </testsuite>\n",
        xml(name), suite.tests, suite.failures, suite.errors, suite.skipped, suite.time, xml(run.started), suite.cases);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"crypelab\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n{}</testsuites>\n",
      all.tests, all.failures, all.errors, all.skipped, all.time, body);
}

}  // namespace crypelab::report
