#include "clients/reference/call/control.h"

#include "clients/reference/job/reader.h"
#include "harness/base/overloaded.h"

#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace crypelab::client::call {
namespace {

namespace json = boost::json;
using job::Node;
using Type = Control::Type;

constexpr std::array<std::string_view, 6> types{"proof", "begin", "ready", "end", "report", "bye"};
constexpr std::uint64_t largest_integer = (std::uint64_t{1} << 53) - 1;

std::int64_t milliseconds(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }
const char* name_of(job::Delivery delivery) {
  return delivery == job::Delivery::ordered ? "ordered" : "unordered-unreliable";
}
const char* name_of(job::Direction direction) {
  switch (direction) {
    case job::Direction::send:
      return "send";
    case job::Direction::receive:
      return "receive";
    case job::Direction::both:
      break;
  }
  return "both";
}
const char* name_of(job::Traffic traffic) {
  switch (traffic) {
    case job::Traffic::silent:
      return "silent";
    case job::Traffic::audio:
      return "audio";
    case job::Traffic::video:
      break;
  }
  return "video";
}

// As in the job.
json::object work_object(const job::Work& work) {
  return std::visit(
      Overloaded{[](const job::Echo& echo) {
                   return json::object{{"echo",
                                        {{"count", echo.count},
                                         {"interval", milliseconds(echo.interval)},
                                         {"size", echo.size},
                                         {"delivery", name_of(echo.delivery)}}}};
                 },
                 [](const job::Throughput& throughput) {
                   return json::object{{"throughput",
                                        {{"seconds", milliseconds(throughput.time) / 1'000},
                                         {"direction", name_of(throughput.direction)},
                                         {"delivery", name_of(throughput.delivery)},
                                         {"size", throughput.size}}}};
                 },
                 [](const job::Hold& hold) {
                   json::object inner{{"seconds", milliseconds(hold.time) / 1'000}, {"traffic", name_of(hold.traffic)}};
                   if (hold.max_gap) inner["max_gap"] = milliseconds(*hold.max_gap);
                   return json::object{{"hold", std::move(inner)}};
                 }},
      work);
}

}  // namespace

Result<Control> parse_control(std::string_view text) {
  if (text.size() > largest_control) return Complaint{"too large"};
  json::error_code error;
  json::parse_options options;
  options.max_depth = 8;
  const auto document = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return Complaint{"not JSON"};
  job::Faults faults;
  const Node root(&document, "", faults);
  Control control;
  control.type = static_cast<Type>(root["type"].word(types));
  if (faults.first) return Complaint{faults.first->pointer + " " + faults.first->text};
  const auto count = [&](const Node& node) { return node.number(0, largest_integer); };
  if (control.type == Type::proof) control.proof = root["proof"].text(1'024);
  if (control.type != Type::proof && control.type != Type::bye) {
    control.phase = static_cast<std::uint16_t>(root["phase"].number(0, 65'535));
  }
  if (control.type == Type::begin) {
    const auto member = root["work"].only_member();
    const auto work = member ? job::read_work(member->first, member->second) : std::nullopt;
    if (!work) return Complaint{"an unknown kind of work"};
    control.work = *work;
  }
  if (control.type == Type::end) control.sent = count(root["sent"]);
  if (control.type == Type::report) {
    control.report = {.received = count(root["received"]),
                      .bytes = count(root["bytes"]),
                      .microseconds = count(root["microseconds"]),
                      .reordered = count(root["reordered"]),
                      .duplicated = count(root["duplicated"])};
  }
  if (faults.first) return Complaint{faults.first->pointer + " " + faults.first->text};
  return control;
}

std::string to_text(const Control& control) {
  const auto type = types[static_cast<std::size_t>(control.type)];
  json::object object{{"type", json::string_view(type.data(), type.size())}};
  if (control.type == Type::proof) object["proof"] = control.proof;
  if (control.type != Type::proof && control.type != Type::bye) object["phase"] = control.phase;
  if (control.type == Type::begin) object["work"] = work_object(control.work);
  if (control.type == Type::end) object["sent"] = control.sent;
  if (control.type == Type::report) {
    object["received"] = control.report.received;
    object["bytes"] = control.report.bytes;
    object["microseconds"] = control.report.microseconds;
    object["reordered"] = control.report.reordered;
    object["duplicated"] = control.report.duplicated;
  }
  return json::serialize(object);
}

}  // namespace crypelab::client::call
