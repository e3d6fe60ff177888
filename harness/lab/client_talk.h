#pragma once

#include "harness/model/event.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crypelab::lab {

// What a client under test says on its standard output, as events (clients/CONTRACT.md): handed bytes, told the time,
// bounded whatever comes. Its "event" is the kind, its other members are fields, nested ones by their path:
// "local.type", "urls.0".
class ClientTalk {
 public:
  static constexpr std::size_t kLongestLine = 64 * 1024;
  static constexpr unsigned kLinesASecond = 1000;
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // of lines that become events, in all
  static constexpr unsigned kMostFindings = 100;                    // of a kind; of the others the number is told

  explicit ClientTalk(std::string client) : client_(std::move(client)) {}

  void take(std::string_view bytes, std::chrono::nanoseconds now);
  // Nothing follows: a last line without its end counts, and what was left out is told.
  void end(std::chrono::nanoseconds now);
  // Whoever writes more in this second than it may is not listened to before.
  std::optional<std::chrono::nanoseconds> deaf_until() const;

  // The events since the last call.
  std::vector<model::Event> events() { return std::exchange(events_, {}); }

 private:
  struct Finding {
    unsigned told = 0;
    unsigned more = 0;
  };
  void take_line(std::string_view line, std::chrono::nanoseconds now);
  void open_window(std::chrono::nanoseconds now);
  void close_window();
  void find(Finding& finding, const char* kind, std::chrono::nanoseconds now,
            std::vector<std::pair<std::string, model::Value>> fields);
  void tell_more(const Finding& finding, const char* kind, std::chrono::nanoseconds now);

  std::string client_;
  std::string pending_;
  std::size_t skipped_ = 0;  // bytes of a line that is too long, so far
  std::chrono::nanoseconds window_{-1};
  unsigned lines_ = 0;  // in this second
  std::size_t window_bytes_ = 0;
  unsigned left_out_ = 0;  // lines of this second
  std::size_t kept_bytes_ = 0;
  Finding garbage_;
  Finding long_lines_;
  std::vector<model::Event> events_;
};

}  // namespace crypelab::lab
