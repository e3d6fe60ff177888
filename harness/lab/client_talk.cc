#include "harness/lab/client_talk.h"

#include "harness/lab/flat_json.h"

namespace crypelab::lab {
namespace {

constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds(1);
constexpr std::size_t kShown = 200;  // of a line that is garbage
constexpr std::size_t kBytesASecond = std::size_t{4} << 20;

std::string beginning(std::string_view line) { return std::string(line.substr(0, kShown)); }

}  // namespace

void ClientTalk::take(std::string_view bytes, std::chrono::nanoseconds now) {
  open_window(now);
  window_bytes_ += bytes.size();
  for (;;) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    if (skipped_ == 0 && pending_.size() + piece.size() <= kLongestLine) {
      pending_ += piece;
    } else {
      skipped_ += pending_.size() + piece.size();
      pending_.clear();
    }
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (skipped_ > 0) {
      find(long_lines_, "client-long-line", now, {{"bytes", static_cast<std::int64_t>(skipped_)}});
      skipped_ = 0;
    } else {
      const auto line = std::exchange(pending_, {});
      take_line(line, now);
    }
  }
}

void ClientTalk::take_line(std::string_view line, std::chrono::nanoseconds now) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  ++lines_;
  if (lines_ > kLinesASecond || kept_bytes_ + line.size() > kMostBytes) {
    ++left_out_;
    return;
  }
  kept_bytes_ += line.size();
  const auto refuse = [&](std::string why) {
    find(garbage_, "client-garbage", now, {{"line", beginning(line)}, {"why", std::move(why)}});
  };
  auto members = flat_members(line);
  if (!members) return refuse(members.complaint());
  model::Event event{now, model::Source::client, client_, "", {}};
  for (auto& [name, value] : *members) {
    const auto* text = std::get_if<std::string>(&value);
    if (name == "event" && text != nullptr) {
      event.kind = *text;
    } else {
      event.fields.emplace_back(std::move(name), std::move(value));
    }
  }
  if (event.kind.empty()) return refuse("it has no \"event\"");
  events_.push_back(std::move(event));
}

void ClientTalk::open_window(std::chrono::nanoseconds now) {
  if (window_.count() >= 0 && now - window_ < kSecond) return;
  close_window();
  window_ = now;
}

void ClientTalk::close_window() {
  if (left_out_ > 0) {
    events_.push_back({window_, model::Source::lab, client_, "client-flood", {{"lines", std::int64_t{left_out_}}}});
  }
  lines_ = 0;
  window_bytes_ = 0;
  left_out_ = 0;
}

void ClientTalk::end(std::chrono::nanoseconds now) {
  open_window(now);
  if (skipped_ > 0) {
    find(long_lines_, "client-long-line", now, {{"bytes", static_cast<std::int64_t>(skipped_)}});
  } else if (!pending_.empty()) {
    const auto line = std::exchange(pending_, {});
    take_line(line, now);
  }
  close_window();
  tell_more(garbage_, "client-garbage", now);
  tell_more(long_lines_, "client-long-line", now);
}

std::optional<std::chrono::nanoseconds> ClientTalk::deaf_until() const {
  if (lines_ <= kLinesASecond && window_bytes_ <= kBytesASecond) return std::nullopt;
  return window_ + kSecond;
}

void ClientTalk::find(Finding& finding, const char* kind, std::chrono::nanoseconds now,
                      std::vector<std::pair<std::string, model::Value>> fields) {
  if (finding.told == kMostFindings) {
    ++finding.more;
    return;
  }
  ++finding.told;
  events_.push_back({now, model::Source::lab, client_, kind, std::move(fields)});
}

void ClientTalk::tell_more(const Finding& finding, const char* kind, std::chrono::nanoseconds now) {
  if (finding.more == 0) return;
  events_.push_back({now, model::Source::lab, client_, kind, {{"more", std::int64_t{finding.more}}}});
}

}  // namespace crypelab::lab
