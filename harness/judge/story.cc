#include "harness/judge/story.h"

#include "harness/judge/cause.h"
#include "harness/model/describe.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

constexpr std::size_t kMostLines = 80;
constexpr std::size_t kLongestText = 240;
constexpr Moment kGap = std::chrono::seconds(3);

std::string text_of(const model::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* yes = std::get_if<bool>(&value)) return *yes ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  return fmt::format("{:g}", std::get<double>(value));
}

class Teller {
 public:
  explicit Teller(const Scene& scene) : scene_(scene) {}

  void tell_client(const ClientView& view) {
    name_ = view.name;
    tell_words();
    std::set<std::string> told;
    for (const auto* flow : scene_.flows_of(view.name)) tell_flow(*flow, told);
    tell_data(view);
  }

  void tell_lab() {
    for (const auto& event : scene_.attempt().events) {
      if (event.source != model::Source::lab) continue;
      if (event.kind == "step") say(event.at, "lab", std::string(model::text_field(event, "what")));
      if (event.kind == "service-died")
        say(event.at, event.where, fmt::format("died: {}", model::text_field(event, "how")));
      if (event.kind != "client-ended") continue;
      std::string how = fmt::format("ended with exit status {}", number_field(event, "exit", -1));
      if (number_field(event, "signal") != 0)
        how = fmt::format("was ended by signal {}", number_field(event, "signal"));
      if (const auto why = model::text_field(event, "not-started"); !why.empty())
        how = fmt::format("did not start: {}", why);
      say(event.at, event.where, how);
    }
  }

  std::vector<model::StoryLine> lines() {
    std::ranges::stable_sort(lines_, {}, &model::StoryLine::at);
    if (lines_.size() > kMostLines) {
      const auto cut = lines_.size() - kMostLines;
      const auto middle = lines_.begin() + static_cast<std::ptrdiff_t>(kMostLines / 2);
      const model::StoryLine gap{middle->at, "", fmt::format("({} lines left out)", cut)};
      lines_.erase(middle, middle + static_cast<std::ptrdiff_t>(cut));
      lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(kMostLines / 2), gap);
    }
    return std::move(lines_);
  }

 private:
  void say(Moment at, const std::string& who, std::string text) {
    if (text.size() > kLongestText) text.resize(kLongestText);
    lines_.push_back({at, who, std::move(text)});
  }

  void tell_words() {
    for (const auto& event : scene_.attempt().events) {
      if (event.source != model::Source::client || event.where != name_) continue;
      if (event.kind == "hello") {
        say(event.at, name_,
            fmt::format("says hello: {} {}", model::text_field(event, "name"), model::text_field(event, "version")));
      } else if (event.kind == "problem") {
        say(event.at, name_,
            fmt::format("reports {}: {}", model::text_field(event, "code"), model::text_field(event, "detail")));
      } else if (event.kind == "connected") {
        say(event.at, name_, "says that it is connected");
      } else if (event.kind == "signaling") {
        say(event.at, name_,
            fmt::format("says that signaling is {} by {}", model::text_field(event, "state"),
                        model::text_field(event, "via")));
      } else if (event.kind == "closed") {
        say(event.at, name_, fmt::format("closes: {}", model::text_field(event, "reason")));
      }
    }
  }

  void tell_flow(const Flow& flow, std::set<std::string>& told) {
    for (const auto& question : flow.dns) {
      const bool failed = !question.answered || question.code != 0 || question.addresses == 0;
      if (!failed || question.v6 || !told.insert("dns " + question.name).second) continue;
      say(question.at, name_,
          !question.answered   ? fmt::format("asks for {}: no answer", question.name)
          : question.code == 3 ? fmt::format("asks for {}: there is no such name", question.name)
          : question.code != 0
              ? fmt::format("asks for {}: the resolver answers with code {}", question.name, question.code)
              : fmt::format("asks for {}: no address", question.name));
    }
    if (!flow.outgoing || (flow.far.port == 53 && !flow.tcp())) return;
    const auto far = scene_.name_of(flow.far);
    for (const auto& connect : flow.connects) {
      const auto line = connect.status == 0
                            ? fmt::format("{} {} to {}: no answer", connect.method, connect.target, far)
                            : fmt::format("{} {} to {}: {}{}", connect.method, connect.target, far, connect.status,
                                          connect.scheme.empty() ? "" : " (" + connect.scheme + ")");
      if (told.insert(line).second) say(connect.at, name_, line);
    }
    const auto path = path_of_flow(scene_, name_, flow);
    const auto what = path ? model::describe(*path) : std::string();
    if (flow.connects.empty()) {
      const auto first =
          fmt::format("{} to {}{}", flow.tcp() ? "TCP" : "UDP", far, what.empty() ? "" : " (" + what + ")");
      if (told.insert(first).second) say(flow.began, name_, "first packet: " + first);
    }
    for (const auto& note : flow.stun) {
      if (note.outgoing || note.nested || note.method != wire::StunMethod::allocate) continue;
      if (note.message_class == wire::StunClass::success && note.relayed && told.insert("relay " + far + what).second)
        say(note.at, name_, fmt::format("has a relay at {} by {}", crypelab::to_string(*note.relayed), what));
    }
    const auto cause = cause_of_flow(scene_, name_, flow);
    if (!cause.empty() && told.insert(cause).second) say(flow.ended, name_, cause);
    if (flow.reset_in && flow.established && flow.data.size() > 10)
      say(*flow.reset_in, name_, fmt::format("{}: the connection was reset from the other side", far));
    else if (flow.fin_in && flow.data.size() > 10 && (!flow.fin_out || *flow.fin_in < *flow.fin_out))
      say(*flow.fin_in, name_, fmt::format("{}: the other side closed the connection", far));
  }

  void tell_data(const ClientView& view) {
    for (const auto& carrier : view.carriers) {
      if (carrier.both_ways())
        say(carrier.first, name_, fmt::format("data flow by {} ({})", model::describe(carrier.path), carrier.path.by));
    }
    const auto times = arrivals_of(view.carriers);
    for (std::size_t i = 1; i < times.size(); ++i) {
      if (times[i] - times[i - 1] >= kGap)
        say(times[i - 1], name_, fmt::format("nothing arrives for {}", in_words(times[i] - times[i - 1])));
    }
    if (!times.empty()) say(times.back(), name_, "the last data arrive");
  }

  const Scene& scene_;
  std::string name_;
  std::vector<model::StoryLine> lines_;
};

}  // namespace

std::vector<model::StoryLine> story_of(const Scene& scene, const Connection& connection) {
  Teller teller(scene);
  for (const auto& view : connection.views) teller.tell_client(view);
  teller.tell_lab();
  return teller.lines();
}

std::vector<model::StoryLine> timeline_of(const Scene& scene, std::size_t most) {
  std::vector<const model::Event*> events;
  for (const auto& event : scene.attempt().events) {
    if (event.source == model::Source::rule || event.source == model::Source::measurement || event.kind == "job")
      continue;
    events.push_back(&event);
  }
  std::vector<model::StoryLine> lines;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events.size() > most && i == most / 2) {
      lines.push_back({events[i]->at, "", fmt::format("({} events left out)", events.size() - most)});
      i += events.size() - most;
    }
    const auto& event = *events[i];
    std::string text = event.kind;
    for (const auto& [name, value] : event.fields) {
      if (text.size() > kLongestText) break;
      text += fmt::format(" {}={}", name, text_of(value));
    }
    if (text.size() > kLongestText) text.resize(kLongestText);
    lines.push_back({event.at, fmt::format("{} {}", model::to_string(event.source), event.where), std::move(text)});
  }
  return lines;
}

}  // namespace crypelab::judge
